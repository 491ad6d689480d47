"""Train on all sources but one and read that one: what may a stranger expect?

    python benchmarks/leave_one_out.py --data ../shared/data --weights FILE --budget_s 5400

A short form of `configs/strangers.py` (small pictures, few epochs) with all sources, and with only
those whose licence lets a trained network be released, both read on the `dev_` sources: what the
licence costs; then once for each source that is left out. Every finished run is kept in --work, so
a second call does what is left. Saves `benchmarks/results/leave_one_out.json` after each.
"""

from __future__ import annotations

from collections.abc import Sequence

from reading import STRANGERS
from short_runs import Trial, asked, parser, study

NAME = "leave_one_out"


def trials(releasable: Sequence[str], study_only: Sequence[str]) -> list[Trial]:
    """Returns the price of the licence first, then each source left out."""
    every = (*releasable, *study_only)
    return [
        Trial("releasable sources", tuple(releasable), STRANGERS),
        Trial("all sources", every, STRANGERS),
        *(Trial(f"without {x}", tuple(s for s in every if s != x), (x,)) for x in every),
    ]


def main(argv: list[str] | None = None) -> int:
    args = parser(__doc__ or "").parse_args(argv)
    return study(NAME, args, trials(args.releasable, args.study_only), asked(argv))


if __name__ == "__main__":
    raise SystemExit(main())
