"""What trainings on one card say: each choice of the recipe, and where the released one ended."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from page_parts import Figures, percent, said
from source_names import STRANGERS, STUDY_ONLY

NOTHING_LEARNT = 0.1
"""Of its own people's pictures a trial that learnt anything reads more."""


def levers(figures: Figures) -> list[str]:
    """Returns what each change of the recipe does to unseen signers."""
    card = figures["card"]
    trials = {row["trial"]: row for row in card["trials"]}
    recipe = figures["recipe"]
    usual = [trials[name] for name in recipe]
    again = {
        "without averaged weights": [trials[f"{name}, its last weights"] for name in recipe],
        "the mirrored picture read as well": [
            trials[f"{name}, mirrored as well"] for name in recipe
        ],
        "the three networks' mean answer": [trials["the three's mean answer"]],
        "the three networks' mean weights": [trials["the three's mean weights"]],
    }
    told = {id(row) for rows in (usual, *again.values()) for row in rows}
    changes = {name: [row] for name, row in trials.items() if id(row) not in told}
    spread = [
        100 * (max(found) - min(found))
        for found in ([_mean([row], names) for row in usual] for names in (STUDY_ONLY, STRANGERS))
    ]
    columns = (
        "24 letters, the five that may only be studied | 24 letters, the five `dev_` sources "
        "| own validation |"
    )
    return [
        "## Each choice undone",
        "",
        f"`configs/unseen signers.py` for {card['steps'] * card['batch']:,} pictures in batches of "
        f"{card['batch']}, at {card['side']} px, {card['synthetic_hands']:,} synthetic hands among them, "
        f"from ImageNet's weights and with one look, on one {card['device']}; {len(recipe)} seeds "
        "of the recipe itself, one of each change. Trained on the sources that may be released. "
        "The pictures read had been made smaller for the way to the card (160 px, WebP; a third of "
        "`kaggle_alphabet`), so these figures compare with each other alone. In brackets: points "
        "gained or lost to the mean of the recipe's seeds. "
        f"These came out {spread[0]:.0f} points apart in the first column and {spread[1]:.0f} in "
        "the second: a smaller difference says little. Only the first column may choose.",
        "",
        f"| trained | {columns}",
        "|---|---|---|---|",
        *(f"| {name} | {_cells([trials[name]], usual, apart=False)} |" for name in recipe),
        *(f"| {_named(name, rows)} | {_cells(rows, usual)} |" for name, rows in changes.items()),
        "",
        "The recipe's three networks, read otherwise:",
        "",
        f"| read | {columns}",
        "|---|---|---|---|",
        f"| as they are, mean of three | {_cells(usual, usual, apart=False)} |",
        *(f"| {name} | {_cells(rows, usual)} |" for name, rows in again.items()),
        "",
        said(figures),
        "",
    ]


def _named(name: str, rows: Sequence[Figures]) -> str:
    """Returns a trial's name, and where it learnt nothing, that it did not."""
    learnt = statistics.fmean(row["val"] for row in rows) > NOTHING_LEARNT
    return name if learnt else f"{name}: learnt nothing at that rate"


def _cells(rows: Sequence[Figures], usual: Sequence[Figures], apart: bool = True) -> str:
    """Returns the means of some readings, and how far from the recipe's they are."""
    cells = []
    for names in (STUDY_ONLY, STRANGERS):
        own = _mean(rows, names)
        gained = f" ({100 * (own - _mean(usual, names)):+.1f})" if apart else ""
        cells.append(percent(own) + gained)
    val = statistics.fmean(row["val"] for row in rows)
    return " | ".join([*cells, percent(val) if val else "–"])


def _mean(rows: Sequence[Figures], names: Sequence[str]) -> float:
    return statistics.fmean(row["read"][name]["letters_24"] for row in rows for name in names)


def ends(figures: Figures) -> list[str]:
    """Returns how the training on a card went, and how unseen signers are read from each of its ends."""
    card = figures["card"]
    return [
        "## On one card, by the clock",
        "",
        f"The released recogniser went on for minutes on one {card['device']} "
        "(`benchmarks/train_on_card.py`, [record 13](../adr/0013-on-one-card.md)): first *base*, "
        "and from its end the other ways, each with batches of "
        f"{card['batch']}. The share of synthetic hands came from as many as had been drawn by then.",
        "",
        *_stages(card, "the released one before"),
        "Unseen signers read with one look from where each ended, and from means of several, named one "
        "after the other. The five sources that may only be studied chose; the `dev_` sources "
        "are shown beside them.",
        "",
        *_ends(figures),
    ]


def ends_again(figures: Figures) -> list[str]:
    """Returns what a second training on a card, from the released recogniser, came to."""
    card = figures["card"]
    return [
        "## A second time on the card",
        "",
        f"From the recogniser that is released, once more on one {card['device']}, all with MixUp "
        "and bent hands: *photos* with fewer synthetic hands, *strong* and *mild* changed more and "
        "less, *wide* learnt larger pictures, and *again* began with the mean of the five.",
        "",
        *_stages(card, "the released one"),
        f"Read as above (*start* is the released one). {_best(figures['ends'])}",
        "",
        *_ends(figures),
    ]


def _best(rows: Sequence[Figures]) -> str:
    """Returns whether any end reads the sources that choose better than the start."""
    start = next(row for row in rows if row["end"].endswith(":start"))
    most = max(rows, key=lambda row: row["studied"]["mean_letters_24"])
    if most is start:
        return (
            "No way and no mean reads the study sources better, which alone may choose, so nothing "
            "was released: what the `dev_` sources gain is not taken."
        )
    return f"The study sources are read best by {most['end'].split(':')[1].replace('+', ', ')}."


def _stages(card: Figures, start: str) -> list[str]:
    """Returns a table of the ways that were gone on a card."""
    return [
        "| way | from | pictures of | time | pictures | a second | synthetic hands | own validation |",
        "|" + "---|" * 8,
        *(
            f"| {one['name']} | {one['stage']['of'].replace('+', ', ') or start} "
            f"| {one['stage']['side']} px | {one['stage']['seconds']:.0f} s | {one['pictures']:,} "
            f"| {one['pictures_per_s']:,} "
            f"| {percent(one['stage']['drawn'])} of {one['drawings']:,} | {percent(one['val'])} |"
            for one in card["stages"]
        ),
        "",
    ]


def _ends(figures: Figures) -> list[str]:
    """Returns a table of how unseen signers are read from each end, and how that was measured."""
    rows = [
        f"| {row['end'].split(':')[1].replace('+', ', ')} | {row['end'].split(':')[0]} px | "
        + " | ".join(
            percent(row[group][f"mean_letters_{count}"])
            for group in ("studied", "unseen_signers")
            for count in (24, 26)
        )
        + " |"
        for row in figures["ends"]
    ]
    return [
        "| end | read at | study, 24 letters | 26 | `dev_`, 24 letters | 26 |",
        "|" + "---|" * 6,
        *rows,
        "",
        said(figures),
        "",
    ]
