"""Train without one source and read it: what may an unseen signer expect?

    python benchmarks/left_out.py --data ../shared/data --weights FILE

A short form of `configs/unseen signers.py` (see `short_runs.py`). First with the sources whose licence
lets a trained network be released, and with all, both read on the `dev_` sources: what the licence
costs. Then every source is read by a network that never saw it and learnt from all the others:
once from those that may be released alone (those that may not are read by the first network of
all), once from all. Every finished run is kept in --work, so a second call does what is left.
Saves `benchmarks/results/left_out.json` after each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from short_runs import Trial, asked, given, parser, study
from source_names import STRANGERS

NAME = "left_out"
RELEASABLE, EVERY = "releasable sources", "all sources"


def trials(releasable: Sequence[str], study_only: Sequence[str]) -> list[Trial]:
    """Returns the price of the licence first, then every source left out of all, those that may
    not be released before the others, then of those that may be released."""
    every = (*releasable, *study_only)
    return [
        Trial(RELEASABLE, tuple(releasable), (*STRANGERS, *study_only)),
        Trial(EVERY, every, STRANGERS),
        *_one_by_one(EVERY, every),
        *_one_by_one(RELEASABLE, releasable),
    ]


def _one_by_one(group: str, sources: Sequence[str]) -> Iterator[Trial]:
    for out in reversed(sources):
        others = tuple(source for source in sources if source != out)
        if others:
            yield Trial(f"{group} without {out}", others, (out,))


def main(argv: list[str] | None = None) -> int:
    args = given(parser(__doc__ or ""), argv)
    return study(NAME, args, trials(args.releasable, args.study_only), asked(argv))


if __name__ == "__main__":
    raise SystemExit(main())
