"""Train without some sources and read those: what may a stranger expect?

    python benchmarks/left_out.py --data ../shared/data --weights FILE --budget_s 5400

A short form of `configs/strangers.py` (see `short_runs.py`). First with all sources, and with only
those whose licence lets a trained network be released, both read on the `dev_` sources: what the
licence costs. Then every source is read once by a network that never saw it: they are left out
three at a time, so that five trainings do for fourteen sources and each can be longer. Every
finished run is kept in --work, so a second call does what is left. Saves
`benchmarks/results/left_out.json` after each.
"""

from __future__ import annotations

from collections.abc import Sequence

from short_runs import Trial, asked, parser, study
from source_names import STRANGERS

NAME = "left_out"
EPOCHS = 3
FOLDS = 5


def trials(releasable: Sequence[str], study_only: Sequence[str]) -> list[Trial]:
    """Returns the price of the licence first, then the sources left out, `FOLDS` times."""
    every = (*releasable, *study_only)
    return [
        Trial("releasable sources", tuple(releasable), STRANGERS),
        Trial("all sources", every, STRANGERS),
        *(
            Trial(f"without {', '.join(out)}", tuple(s for s in every if s not in out), out)
            for out in (every[first::FOLDS] for first in range(min(FOLDS, len(every))))
        ),
    ]


def main(argv: list[str] | None = None) -> int:
    options = parser(__doc__ or "")
    options.set_defaults(epochs=EPOCHS)
    args = options.parse_args(argv)
    return study(NAME, args, trials(args.releasable, args.study_only), asked(argv))


if __name__ == "__main__":
    raise SystemExit(main())
