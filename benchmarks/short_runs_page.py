"""What short trainings say of strangers: sources left out, and letters."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping

from page_parts import Figures, percent, said


def left_out(study: Figures) -> list[str]:
    """Returns what the licence costs, and what is read of sources by who never saw them."""
    runs = study["runs"]
    whole = [run for run in runs if not run["trial"].startswith("without ")]
    price = [f"| {x['trial']} | {x['seed']} | {_both(x['read'].values())} |" for x in whole]
    apart = [
        (x["seed"], name, x["read"][name]) for x in runs if x not in whole for name in x["read"]
    ]
    rows = [f"| {name} | {seed} | {_both([found])} |" for seed, name, found in apart]
    mean = [f"| **mean of {len(apart)}** | | {_both(x for *_, x in apart)} |"] if apart else []
    return [
        "## Sources left out",
        "",
        f"{_short(study)}",
        "",
        "What the licence costs, read on the five `dev_` sources:",
        "",
        "| trained on | seed | 24 letters | 26 letters |",
        "|---|---|---|---|",
        *price,
        "",
        "Each source as a network reads it that was trained on the others, without it and without "
        "two more at most:",
        "",
        "| source | seed | 24 letters | 26 letters |",
        "|---|---|---|---|",
        *rows,
        *mean,
        "",
        said(study),
        "",
    ]


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
        f"`configs/strangers.py` for {study['epochs']} epochs from ImageNet's weights, on the "
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
        f"A short form of `configs/strangers.py`: {figures['image_px']} px, {figures['epochs']} "
        f"epochs, {figures['drawn_per_class']} drawn hands a class, one look. Every run begins "
        f"with a backbone that {first[0]} epochs of {first[1]} drawn hands a class have taught, "
        "and no photograph."
    )


def _both(read: Iterable[Mapping[str, float]]) -> str:
    """Returns the means over sources on 24 and on 26 letters, as two cells."""
    found = list(read)
    return " | ".join(
        percent(statistics.fmean(scores[key] for scores in found))
        for key in ("letters_24", "letters_26")
    )
