"""Train on all sources but one and read that one; each of those that may be released in turn.

    python benchmarks/one_left_out.py --data ../shared/data --weights FILE --budget_s 5400

A short form of `configs/strangers.py` (see `short_runs.py`), on the sources whose licence lets a
trained network be released: once on all of them, then without each. The `dev_` sources are read,
too, so that it shows what each source teaches. Every finished run is kept in --work, so a second
call does what is left. Saves `benchmarks/results/one_left_out.json` after each.
"""

from __future__ import annotations

from collections.abc import Sequence

from short_runs import Trial, asked, parser, study
from source_names import STRANGERS

NAME = "one_left_out"
EPOCHS = 3


def trials(sources: Sequence[str]) -> list[Trial]:
    """Returns the training on all sources, then the one without each, which reads it."""
    return [
        Trial("all of them", tuple(sources), STRANGERS),
        *(
            Trial(f"without {out}", tuple(s for s in sources if s != out), (out, *STRANGERS))
            for out in sources
        ),
    ]


def main(argv: list[str] | None = None) -> int:
    options = parser(__doc__ or "")
    options.set_defaults(epochs=EPOCHS)
    args = options.parse_args(argv)
    return study(NAME, args, trials(args.releasable), asked(argv))


if __name__ == "__main__":
    raise SystemExit(main())
