"""What short trainings say of unseen signers: sources left out, and letters."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

from left_out import EVERY, RELEASABLE
from page_parts import Figures, percent, said
from short_levers import RECIPE
from source_names import STRANGERS, STUDY_ONLY

GROUPS = {"learnt from the releasable ones": RELEASABLE, "learnt from all": EVERY}


def left_out(studies: Sequence[Figures]) -> list[str]:
    """Returns what the licence costs, and what is read of sources by who never saw them.

    Every study began with another backbone, taught the same synthetic hands: each has its own table.
    """
    price = [
        f"| {run['trial']} | {number} | {run['seed']} "
        f"| {_both(run['read'][name] for name in STRANGERS)} |"
        for number, study in enumerate(studies, start=1)
        for run in study["runs"]
        if run["trial"] in (RELEASABLE, EVERY)
    ]
    return [
        "## Sources left out",
        "",
        f"{_short(studies[0])}{_backbones(studies)}",
        "",
        "What the licence costs, read on the five `dev_` sources:",
        "",
        "| trained on | backbone | seed | 24 letters | 26 letters |",
        "|---|---|---|---|---|",
        *price,
        "",
        "Each source as a network reads it that never saw it and learnt from all the others, left "
        "out one by one. A source that may not be released is missing from the releasable ones "
        "anyway: one network reads them all.",
        "",
        *(line for number, x in enumerate(studies, start=1) for line in _one_by_one(x, number)),
    ]


def _one_by_one(study: Figures, number: int) -> list[str]:
    """Returns the table of a study's sources that were left out."""
    found = {words: _apart(study["runs"], group) for words, group in GROUPS.items()}
    groups = {words: group for words, group in found.items() if group}
    names = sorted({name for group in groups.values() for name in group})
    both = [name for name in names if all(name in group for group in groups.values())]
    means = [(both, groups.values())] if both else []
    for group in groups.values():
        if len(group) > len(both):
            means.append((sorted(group), [x if x is group else {} for x in groups.values()]))
    heads = " | ".join(f"{words}: 24 letters | 26 letters" for words in groups)
    return [
        f"| source, backbone {number} | {heads} |",
        "|---" * (1 + 2 * len(groups)) + "|",
        *(
            f"| {name} | {' | '.join(_cells(group, [name]) for group in groups.values())} |"
            for name in names
        ),
        *(
            f"| **mean of {len(of)}** | {' | '.join(_cells(x, of) for x in found)} |"
            for of, found in means
        ),
        "",
        said(study),
        "",
    ]


def _apart(runs: Iterable[Figures], group: str) -> dict[str, list[Figures]]:
    """Returns what networks of a group read of the sources that they never saw, by source."""
    found: dict[str, list[Figures]] = {}
    for run in runs:
        if run["trial"] == group or run["trial"].startswith(f"{group} without "):
            for name in run["read"].keys() - set(STRANGERS):
                found.setdefault(name, []).append(run["read"][name])
    return {name: found[name] for name in sorted(found)}


def _cells(group: Mapping[str, list[Figures]], names: Iterable[str]) -> str:
    """Returns the means of some sources on 24 and on 26 letters; of nothing two dashes."""
    found = [scores for name in names for scores in group.get(name, [])]
    return _both(found) if found else "– | –"


def short_levers(studies: Sequence[Figures]) -> list[str]:
    """Returns what a change of the recipe does to unseen signers in short trainings, over its seeds.

    Every study began with another backbone: each is compared with its own recipe, in a table.
    """
    return [
        "## Choices in short trainings",
        "",
        f"{_short(studies[0])}{_backbones(studies)} Trained on the sources that may be released. "
        "Mean over seeds; *apart*: the best seed's points above the worst's. In brackets: points "
        "gained or lost to the recipe, seed by seed, and where there are several seeds what that "
        "mean may be off by (standard error). Only the first column may choose.",
        "",
        *(line for number, x in enumerate(studies, start=1) for line in _changes(x, number)),
    ]


def _changes(study: Figures, number: int) -> list[str]:
    """Returns the table of a study's changes."""
    runs = study["runs"]
    trials = dict.fromkeys(run["trial"] for run in runs)
    found = {name: [run for run in runs if run["trial"] == name] for name in trials}
    usual = found[RECIPE]
    rows = [
        f"| {name} | {len(own)} | "
        + " | ".join(
            cell
            for names in (STUDY_ONLY, STRANGERS)
            for cell in _against(own, usual, names, name != RECIPE)
        )
        + f" | {percent(statistics.fmean(run['test'] for run in own))} |"
        for name, own in found.items()
    ]
    return [
        f"| trained, backbone {number} | seeds | 24 letters, the five that may only be studied "
        "| apart | 24 letters, the five `dev_` sources | apart | own test |",
        "|" + "---|" * 7,
        *rows,
        "",
        said(study),
        "",
    ]


def _backbones(studies: Sequence[Figures]) -> str:
    return f" That backbone was taught {len(studies)} times." if len(studies) > 1 else ""


def _against(
    own: Iterable[Figures], usual: Iterable[Figures], names: Iterable[str], compared: bool
) -> tuple[str, str]:
    """Returns the mean over a trial's seeds, with what it gains, and how far these are apart."""
    base = {run["seed"]: _mean_24(run, names) for run in usual}
    read = {run["seed"]: _mean_24(run, names) for run in own}
    mean = percent(statistics.fmean(read.values()))
    apart = f"{100 * (max(read.values()) - min(read.values())):.1f}" if len(read) > 1 else ""
    gains = [100 * (score - base[seed]) for seed, score in read.items() if seed in base]
    if not compared or not gains:
        return mean, apart
    off = f" ± {statistics.stdev(gains) / len(gains) ** 0.5:.1f}" if len(gains) > 1 else ""
    return f"{mean} ({statistics.fmean(gains):+.1f}{off})", apart


def _mean_24(run: Figures, names: Iterable[str]) -> float:
    return statistics.fmean(run["read"][name]["letters_24"] for name in names)


def letters_left_out(study: Figures) -> list[str]:
    """Returns whether a recogniser is silent before letters that it was never shown."""
    sources, names = study["sources"], ", ".join(study["left"])

    def cells(rows: Iterable[Figures]) -> str:
        found = list(rows)
        return " | ".join(
            percent(statistics.fmean(row[group][key] for row in found))
            for group, key in (("known", "right"), ("known", "accepted"), ("left", "accepted"))
        )

    each = {
        letter: statistics.fmean(
            row["left"]["each"][letter] for row in sources.values() if letter in row["left"]["each"]
        )
        for letter in study["left"]
    }
    return [
        "## Letters it was never shown",
        "",
        f"`configs/unseen signers.py` for {study['epochs']} epochs from ImageNet's weights, on the "
        f"sources that may be released, without {names}: neither photographed nor drawn. A letter "
        "is accepted at the threshold that the training fitted, "
        f"{study['threshold']:.3g}. Of the letters left out every accepted answer is wrong.",
        "",
        f"| source | known letters, right | accepted | {names}: accepted |",
        "|---|---|---|---|",
        *(f"| {name} | {cells([row])} |" for name, row in sources.items()),
        f"| **mean** | {cells(sources.values())} |",
        "",
        "Accepted one by one: "
        + ", ".join(f"{letter} {percent(share)}" for letter, share in each.items())
        + ".",
        "",
        said(study),
        "",
    ]


def _short(figures: Figures) -> str:
    first = figures["first_epochs"], figures["first_drawn_per_class"]
    return (
        f"A short form of `configs/unseen signers.py`: {figures['image_px']} px, {figures['epochs']} "
        f"epochs, {figures['synthetic_per_class']} synthetic hands a class, one look. Every run begins "
        f"with a backbone that {first[0]} epochs of {first[1]} synthetic hands a class have taught, "
        "and no photograph."
    )


def _both(read: Iterable[Mapping[str, float]]) -> str:
    """Returns the means over sources on 24 and on 26 letters, as two cells."""
    found = list(read)
    return " | ".join(
        percent(statistics.fmean(scores[key] for scores in found))
        for key in ("letters_24", "letters_26")
    )
