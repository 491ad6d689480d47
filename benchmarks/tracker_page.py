"""What the study says of a hand tracker on the same pictures, and of more people."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

from hand_points import VERSION
from page_parts import Figures, percent, said
from source_names import STRANGERS, STUDY_ONLY

COLUMNS = (
    "found", "released", "tracker", "released_of_found", "of_found", "together", "either",
)  # fmt: skip


def tracker(figures: Figures) -> list[str]:
    """Returns how unseen signers are read by a tracker's points, and what other people would bring."""
    sources = figures["sources"]
    reached = _mean(sources[name]["either"] for name in STRANGERS)
    return [
        "## A hand tracker instead",
        "",
        f"MediaPipe Hands ({VERSION}) finds 21 points of a hand. A small network learnt letters "
        f"from those of {figures['learnt_from']:,} photographs of the sources that the released "
        "recogniser has learnt from, of which that one kept an eighth back (the mean answer of "
        f"{len(figures['seeds'])} seeds, as seen and mirrored). "
        "24 letters; here both choose among 26 letters alone. *Found*: a hand in the picture; "
        "where there is none, the tracker has read nothing. *Together*: by the mean of what both "
        "say. *Either*: one of the two is right.",
        "",
        "| source | found | released | tracker | released, of those found "
        "| tracker, of those found | together | either |",
        "|" + "---|" * 8,
        *_rows(sources, STUDY_ONLY, "the five that may only be studied"),
        *_rows(sources, STRANGERS, "the five `dev_` sources"),
        "",
        "Whoever believed whichever of the two is right would read "
        f"{percent(reached)} of the `dev_` sources' 24 letters. The tracker knows thousands of "
        "pictures of other people's hands (Zhang et al., MediaPipe Hands, 2020); letters both "
        "learnt from the same few.",
        "",
        *_people(figures),
        said(figures),
        "",
    ]


def _rows(sources: Mapping[str, Figures], names: Sequence[str], group: str) -> list[str]:
    mean = {key: _mean(sources[name][key] for name in names) for key in COLUMNS}
    return [
        *(f"| {name} | {_cells(sources[name])} |" for name in names),
        f"| **mean**, {group} | {_cells(mean)} |",
    ]


def _cells(row: Mapping[str, float]) -> str:
    return " | ".join(percent(row[key]) for key in COLUMNS)


def _people(figures: Figures) -> list[str]:
    """Returns what more and fewer sources tell such a network, which learns in seconds."""
    apart, licence = figures["left_out"], figures["licence"]
    price = {group: [_mean(one.values()) for one in seeds] for group, seeds in licence.items()}
    groups = ("releasable", "all")
    counted: dict[int, list[float]] = {}
    for row in figures["fewer"]:
        counted.setdefault(row["count"], []).append(_mean(row["unseen_signers"].values()))
    return [
        "### More people, told by the tracker's points",
        "",
        "24 letters of the hands that the tracker finds. Each source as a network reads it that "
        "never saw it and learnt from all the others, left out one by one, and the `dev_` sources "
        f"by who left nothing out (mean of {len(price['all'])} seeds, in brackets how far they are "
        "apart):",
        "",
        "| source | learnt from the releasable ones | from all |",
        "|---|---|---|",
        *(
            f"| {name} | {' | '.join(percent(apart[group][name]) for group in groups)} |"
            for name in sorted(apart["all"])
        ),
        f"| **mean of {len(apart['all'])}** | "
        + " | ".join(percent(_mean(apart[group].values())) for group in groups)
        + " |",
        "| **the five `dev_` sources** | "
        + " | ".join(f"{percent(_mean(price[g]))} ({_apart(price[g])})" for g in groups)
        + " |",
        "",
        "The `dev_` sources by who learnt from so many sources, drawn by lot among the same "
        f"{len(apart['all'])}:",
        "",
        "| sources | draws | mean | worst draw | best draw |",
        "|---|---|---|---|---|",
        *(
            f"| {count} | {len(found)} | {percent(_mean(found))} | {percent(min(found))} "
            f"| {percent(max(found))} |"
            for count, found in sorted(counted.items())
        ),
        "",
    ]


def _mean(shares: Iterable[float]) -> float:
    return statistics.fmean(shares)


def _apart(shares: Sequence[float]) -> str:
    return f"{100 * (max(shares) - min(shares)):.1f}"
