"""What the study says of `fingerspell adapt`: a few pictures of known classes, and a new sign."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from page_parts import Figures, percent, said


def adapted(studies: Sequence[Figures]) -> list[str]:
    """Returns what a few pictures of a source bring there, and what they cost elsewhere.

    Every study has measured other seeds.
    """
    all_rows = [row for study in studies for row in study["rows"]]
    rows: dict[tuple[str, int], list[Figures]] = {}
    for row in all_rows:
        rows.setdefault((row["source"], row["count"]), []).append(row)
    seeds = {row["seed"] for row in all_rows}
    told = [f"| {name} | {count} | {_adapted(found)} |" for (name, count), found in rows.items()]
    for count in sorted({row["count"] for row in all_rows}):
        every = [row for row in all_rows if row["count"] == count]
        told.append(f"| **mean** | {count} | {_adapted(every)} |")
    return [
        "## A few pictures of your own",
        "",
        "`fingerspell adapt` with so many pictures of each class from a source that the released "
        "recogniser has not seen. *Own*: the source's other pictures, none of them a near "
        f"duplicate of those given. *Others*: {_counted(all_rows)} other sources that it has not "
        "seen either, so what is forgotten shows there. `four_signers` are four people in few "
        "groups of near duplicates, so those given and those tested may be different people's. All "
        "classes; "
        f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}.",
        "",
        "| source | pictures a class | own, before | after | others, before | after | longest |",
        "|" + "---|" * 7,
        *told,
        "",
        *(line for study in studies for line in (said(study), "")),
    ]


def _adapted(rows: Sequence[Figures]) -> str:
    cells = [
        percent(statistics.fmean(row[when][who] for row in rows))
        for who in ("own", "others")
        for when in ("before", "after")
    ]
    return f"{' | '.join(cells)} | {max(row['seconds'] for row in rows):.0f} s"


def _counted(rows: Sequence[Figures]) -> str:
    counts = {len(row["before"]["each_other"]) for row in rows}
    return " or ".join(str(count) for count in sorted(counts))


def new_sign(figures: Figures) -> list[str]:
    """Returns how well a sign that the alphabet lacks is learnt, and what it costs."""
    rows, seeds = [], {row["seed"] for row in figures["rows"]}
    for count, mean in figures["mean"].items():
        cells = (mean[key] for key in ("sign", "strays", "letters", "before", "after"))
        told = " | ".join(percent(share) for share in cells)
        rows.append(f"| {count} | {told} | {mean['longest_s']:.0f} s |")
    sources = len(figures["rows"][0]["before"])
    return [
        "## A new sign",
        "",
        "`fingerspell adapt` with so many photographs of the digit 7, which no training showed, "
        "each of another person. *Found*: of all others' 7. *Other digits*, *letters*: the share "
        "of 1, 3, 5 and 8, and of unseen signers' letters, that is taken for it. *Classes it knew*: "
        f"read right in {sources} sources that it has not seen. Mean of {_seeds(seeds)}.",
        "",
        "| pictures | found | other digits | letters | classes it knew, before | after | longest |",
        "|" + "---|" * 7,
        *rows,
        "",
        said(figures),
        "",
    ]


def new_sign_beside(figures: Figures) -> list[str]:
    """Returns which digits are taken for a new sign, and what pictures of one of them mend."""
    digits = list(next(iter(figures["mean"].values()))["each_stray"])
    rows = [
        f"| {given} | {percent(mean['sign'])} | "
        + " | ".join(percent(mean["each_stray"][digit]) for digit in digits)
        + f" | {percent(mean['before'])} | {percent(mean['after'])} |"
        for given, mean in figures["mean"].items()
    ]
    return [
        "### What looks like it",
        "",
        "The 8 differs from the 7 by the finger that the thumb touches. The share of each other "
        "digit that is taken for the new sign, when it was given alone, and when as many "
        "photographs of the 8, of other people than those measured, lay beside it in a folder "
        f"`nothing`. Mean of {_seeds({row['seed'] for row in figures['rows']})}.",
        "",
        "| pictures | found | " + " | ".join(digits) + " | classes it knew, before | after |",
        "|" + "---|" * (4 + len(digits)),
        *rows,
        "",
        said(figures),
        "",
    ]


def _seeds(seeds: set[int]) -> str:
    return f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}"
