"""Would a hand tracker read unseen signers better, and would more people? Its points tell, cheaply.

    python benchmarks/tracker_letters.py --data ../shared/data --points build/points.npz

`hand_points.py` writes the points. A small network learns letters from those of the photographs
that the released recogniser has learnt from. Ten sources of unseen signers are then read by it, by the
released recogniser, and by the mean of what both say. It learns in seconds, so other questions can
be put to it: each source left out one by one, what the licence costs, and what fewer sources would
have told. Saves `benchmarks/results/tracker_letters.json`.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from circumstances import circumstances, save
from fingerspell.labels import LETTERS, STATIC_LETTERS
from hand_points import Seen, stored_in
from source_names import STRANGERS, STUDY_ONLY
from tracker_network import RELEASABLE, hands_of, said_by, trained

if TYPE_CHECKING:
    from torch import nn

SEEDS = (1, 2, 3)
COUNTS, DRAWS = (2, 4, 7, 11), 4
"""So many sources of all that are not `dev_`, and so often drawn by lot."""

UNSURE = 1e-3
"""Added to every probability before a mean of logarithms: nobody has a veto."""

Truth = Mapping[str, tuple[Sequence[str], np.ndarray]]
"""source → names of its pictures of the 24 letters, and which letter each is (N,)."""


def letters_in(seen: Mapping[str, Seen], sources: Collection[str]) -> Truth:
    """Returns every picture of the 24 static letters, in the order of its name."""
    found: dict[str, tuple[list[str], list[int]]] = {source: ([], []) for source in sources}
    for name in sorted(seen):
        source, label, _ = name.split("/")
        if source in found and label in STATIC_LETTERS:
            found[source][0].append(name)
            found[source][1].append(LETTERS.index(label))
    return {source: (names, np.array(truth)) for source, (names, truth) in found.items()}


def tracked(shown: Sequence[Seen]) -> np.ndarray:
    """Returns in which pictures (N,) the tracker found a hand."""
    return np.array([bool(np.isfinite(points).all()) for points, _ in shown], bool)


def compared(
    truth: np.ndarray, ours: np.ndarray, theirs: np.ndarray, found: np.ndarray
) -> dict[str, float]:
    """Returns one source's figures: shares of pictures (N,) whose letter is right.

    `ours` and `theirs` are the recogniser's and the tracker's probabilities (N, 26).
    """
    together = np.log(ours + UNSURE) + np.log(theirs + UNSURE)
    right = {
        name: said.argmax(1) == truth
        for name, said in (("released", ours), ("tracker", theirs), ("together", together))
    }
    right["tracker"] &= found  # Where there is no hand, it has said nothing.
    right["either"] = right["released"] | right["tracker"]
    of_found = {"of_found": right["tracker"], "released_of_found": right["released"]}
    return {
        "found": float(found.mean()),
        **{name: float(hits.mean()) for name, hits in right.items()},
        **{k: float(hits[found].mean()) if found.any() else 0.0 for k, hits in of_found.items()},
    }


def share(network: nn.Module, seen: Mapping[str, Seen], truth: Truth, of: str) -> float:
    """Returns the share of a source's tracked hands whose letter is read right."""
    names, letters = truth[of]
    shown = [seen[name] for name in names]
    hits = said_by([network], shown).argmax(1) == letters
    return float(hits[tracked(shown)].mean())


def left_out(
    seen: Mapping[str, Seen], truth: Truth, sources: Sequence[str], first: nn.Module
) -> dict[str, float]:
    """Returns how each source of both groups is read by who learnt from all others of `sources`.

    Those that are none of `sources` are missing anyway: `first` reads them, who learnt from all.
    """
    shares = {}
    for out in (name for name in truth if name not in STRANGERS):
        others = [source for source in sources if source != out]
        network = first if out not in sources else trained(hands_of(seen, others), SEEDS[0])
        shares[out] = share(network, seen, truth, out)
        print(f"{out} by {len(others)} others: {shares[out]:.3f}", flush=True)
    return shares


def fewer(seen: Mapping[str, Seen], truth: Truth, sources: Sequence[str]) -> list[dict[str, Any]]:
    """Returns how the `dev_` sources are read by who learnt from so many sources."""
    rows: list[dict[str, Any]] = []
    for count in COUNTS:
        for draw in range(DRAWS):
            lot = np.random.default_rng([count, draw])
            names = sorted(lot.choice(sources, count, replace=False).tolist())
            network = trained(hands_of(seen, names), SEEDS[0])
            shares = {name: share(network, seen, truth, name) for name in STRANGERS}
            rows.append({"count": count, "sources": names, "unseen_signers": shares})
            print(f"{count} sources: {statistics.fmean(shares.values()):.3f}", flush=True)
    return rows


def beside_released(
    data: Path, seen: Mapping[str, Seen], truth: Truth, networks: Sequence[nn.Module]
) -> dict[str, dict[str, float]]:
    """Returns the figures of every source of unseen signers, read by both."""
    from unseen_signers import answers

    from fingerspell.runtime import STARTER, Recogniser

    recogniser, rows = Recogniser.load(STARTER), {}
    places = [recogniser.labels.index(letter) for letter in LETTERS]
    for source in (*STUDY_ONLY, *STRANGERS):
        names, letters = truth[source]
        shown = [seen[name] for name in names]
        ours = answers(recogniser, [data / name for name in names])[:, places]
        rows[source] = compared(letters, ours, said_by(networks, shown), tracked(shown))
        print(source, rows[source], flush=True)
    return rows


def figures_of(data: Path, seen: Mapping[str, Seen]) -> dict[str, Any]:
    """Returns all that is asked of the points of all sources."""
    every = (*RELEASABLE, *STUDY_ONLY)
    truth = {
        name: found for name, found in letters_in(seen, (*every, *STRANGERS)).items() if found[0]
    }
    hands = {"releasable": hands_of(seen, RELEASABLE), "all": hands_of(seen, every)}
    taught = {group: [trained(shown, seed) for seed in SEEDS] for group, shown in hands.items()}
    return {
        "learnt_from": len(hands["releasable"].letters),
        "seeds": list(SEEDS),
        "licence": {
            group: [{name: share(x, seen, truth, name) for name in STRANGERS} for x in networks]
            for group, networks in taught.items()
        },
        "left_out": {
            "releasable": left_out(seen, truth, RELEASABLE, taught["releasable"][0]),
            "all": left_out(seen, truth, every, taught["all"][0]),
        },
        "fewer": fewer(seen, truth, [name for name in every if name in truth]),
        "sources": beside_released(data, seen, truth, taught["releasable"]),
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the sources")
    parser.add_argument("--points", type=Path, default=Path("build/points.npz"))
    args = parser.parse_args(argv)
    seen = stored_in(args.points)
    known = {name.split("/")[0] for name in seen}
    if lacking := [x for x in (*RELEASABLE, *STUDY_ONLY, *STRANGERS) if x not in known]:
        parser.error(f"no points of {', '.join(lacking)} in {args.points}: run hand_points.py")
    if not all((args.data / name).is_file() for name in seen):
        parser.error(f"{args.data} lacks pictures that {args.points} names: pass the same folder")
    given = sys.argv[1:] if argv is None else argv
    said = circumstances(shlex.join(["python", "benchmarks/tracker_letters.py", *given]))
    save("tracker_letters", {**said, **figures_of(args.data, seen)})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
