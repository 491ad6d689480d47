"""What trainings on one card say: each choice of the recipe, and where the released one ended."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from on_card import STRANGERS, STUDIED
from page_parts import Figures, percent, said


def levers(figures: Figures) -> list[str]:
    """Returns what each change of the recipe does to strangers."""
    card = figures["card"]
    trials = {row["trial"]: row for row in card["trials"]}
    usual = [row for name, row in trials.items() if name in figures["recipe"]]
    rows = [f"| {name} | {_cells(row, usual)} |" for name, row in trials.items()]
    spread = [
        100 * (max(found) - min(found))
        for found in ([_mean(row, names) for row in usual] for names in (STUDIED, STRANGERS))
    ]
    return [
        "## Each choice undone",
        "",
        f"`configs/strangers.py` for {card['steps'] * card['batch']:,} pictures in batches of "
        f"{card['batch']}, at {card['side']} px, {card['drawn_hands']:,} drawn hands among them, "
        f"from ImageNet's weights and with one look, on one {card['device']}; one seed but for the "
        "recipe itself, whose three seeds are named by number. Trained on the sources that may be "
        "released. The pictures read had been made smaller for the way to the card (160 px, WebP; "
        "a third of `kaggle_alphabet`), so these figures compare with each other alone. In "
        "brackets: points gained or lost to the mean of the recipe's seeds. "
        f"These three came out {spread[0]:.0f} points apart in the first column and "
        f"{spread[1]:.0f} in the second: what is smaller says nothing. Only the first column may "
        "choose.",
        "",
        "| | 24 letters, the five that may only be studied | 24 letters, the five `dev_` sources "
        "| own validation |",
        "|---|---|---|---|",
        *rows,
        "",
        said(figures),
        "",
    ]


def _cells(row: Figures, usual: Sequence[Figures]) -> str:
    """Returns a trial's means on 24 letters, and how far from the recipe's they are."""
    cells = []
    for names in (STUDIED, STRANGERS):
        own, others = _mean(row, names), statistics.fmean(_mean(x, names) for x in usual)
        apart = "" if row in usual else f" ({100 * (own - others):+.1f})"
        cells.append(percent(own) + apart)
    return " | ".join([*cells, percent(row["val"]) if row["val"] else "–"])


def _mean(row: Figures, names: Sequence[str]) -> float:
    return statistics.fmean(row["read"][name]["letters_24"] for name in names)


def ends(figures: Figures) -> list[str]:
    """Returns how the training on a card went, and how strangers are read from each of its ends."""
    card = figures["card"]
    stages = [
        f"| {one['name']} | {one['stage']['of'] or 'the released one before'} "
        f"| {one['stage']['side']} px | {one['stage']['seconds']:.0f} s | {one['pictures']:,} "
        f"| {one['pictures_per_s']:,} | {percent(one['stage']['drawn'])} of {one['drawings']:,} "
        f"| {percent(one['val'])} |"
        for one in card["stages"]
    ]
    rows = [
        f"| {row['end'].split(':')[1].replace('+', ', ')} | {row['end'].split(':')[0]} px | "
        + " | ".join(
            percent(row[group][f"mean_letters_{count}"])
            for group in ("studied", "strangers")
            for count in (24, 26)
        )
        + " |"
        for row in figures["ends"]
    ]
    return [
        "## On one card, by the clock",
        "",
        f"The released recogniser went on for minutes on one {card['device']} "
        "(`benchmarks/train_on_card.py`, [record 13](../adr/0013-on-one-card.md)): first *base*, "
        "and from its end the other ways, each with batches of "
        f"{card['batch']}. The share of drawn hands came from as many as had been drawn by then.",
        "",
        "| way | from | pictures of | time | pictures | a second | drawn hands | own validation |",
        "|" + "---|" * 8,
        *stages,
        "",
        "Strangers read with one look from where each ended, and from means of several, named one "
        "after the other. The five sources that may only be studied chose; the `dev_` sources "
        "are shown beside them.",
        "",
        "| end | read at | study, 24 letters | 26 | `dev_`, 24 letters | 26 |",
        "|" + "---|" * 6,
        *rows,
        "",
        said(figures),
        "",
    ]
