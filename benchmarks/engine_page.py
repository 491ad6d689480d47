"""The page about the training engine; what has not been measured is said to be missing."""

from __future__ import annotations

from typing import Any

import machine_page
from page_parts import Figures, all_found, found, percent, said, written

SIDES = {"guide": "the guide's recipe", "ours": "ours"}
SCORES = {"held_out": "val and test together", "val": "val alone", "test": "test alone"}


def engine() -> str:
    """Returns the page."""
    return "\n".join(
        [
            "# The training engine: how soon, and thanks to what?",
            "",
            *written("time_to_quality.py, levers.py, loader.py, processor.py, gpu.py"),
            *_section("Time to quality", found("time_to_quality"), time_to_quality),
            *_section("Each lever alone", found("levers"), levers),
            *_section("The loader", found("loader"), machine_page.loader),
            *_section("On a processor", found("processor"), machine_page.processor),
            *_gpus(),
            *EXACT,
        ]
    )


def _gpus() -> list[str]:
    measured = all_found("gpu_")
    if not measured:
        missing = "Not measured: no GPU was at hand, and no figure stands in its place."
        return _section("On a GPU", None, machine_page.gpu, missing)
    return [
        line
        for figures in measured
        for line in _section(f"On a GPU: {figures['backend']}", figures, machine_page.gpu)
    ]


EXACT = [
    "## Exactness",
    "",
    "That an interrupted run ends with the same weights to the last bit is no measurement but a "
    "test: `tests/train/test_killed.py` kills runs, `tests/train/test_resume.py` damages what they "
    "left. What it costs: [record 5](../adr/0005-exact-resume.md).",
    "",
]


def _section(
    title: str, figures: Figures | None, wording: Any, missing: str = "Not measured."
) -> list[str]:
    body = [missing] if figures is None else [*wording(figures), "", said(figures)]
    return [f"## {title}", "", *body, ""]


def time_to_quality(figures: Figures) -> list[str]:
    """Returns how long both sides took to each accuracy, and how they read unseen signers."""
    sides, top = figures["sides"], figures["headline"]
    guide = sides["guide"]
    return [
        f"Photographs of {', '.join(figures['sources'])}, leak-safe, one machine, one seed "
        f"({figures['seed']}), one after the other: first the guide's recipe as people write it "
        "in plain Keras, with its faults mended (`benchmarks/guide_recipe.py`), then ours "
        f"(`{_recipe(figures)}`). Both start from the same weights. The clock starts with the "
        "program and holds whatever the recipe does by itself, such as drawing hands, caching "
        "features, validating and saving; reading test pictures for this page is not on it.",
        "",
        f"**To the best that the guide's recipe held, {percent(top['accuracy'])} of the held-out "
        f"pictures: {_minutes(top['guide_s'])} against {_minutes(top['ours_s'])}, "
        f"{_faster(top['times_faster'])}.** "
        f"{_given(guide)} Aimed at were 5 times.",
        "",
        "An accuracy is held by an epoch that reaches it and whose next two reach it on the mean; "
        "`benchmarks/reached.py` defines it, for both alike.",
        "",
        *_ladders(figures),
        "",
        *_phases(sides),
        "",
        *_unseen_signers(sides),
        "",
        *(f"* `{command}`" for command in figures["commands"].values()),
    ]


def _given(guide: dict[str, Any]) -> str:
    epochs, asked = len(guide["curve"]), guide["epochs_asked"]
    if epochs == asked:
        return f"It had all its {asked} epochs."
    return f"It had {epochs} of its {asked} epochs, the limit being {_minutes(guide['limit_s'])}."


def _recipe(figures: Figures) -> str:
    return str(figures["commands"]["ours"].split("--recipe ")[1].split()[0])


def _minutes(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _faster(times: float | None) -> str:
    return "no comparison" if times is None else f"{times:.1f} times as fast"


def _ladders(figures: Figures) -> list[str]:
    lines = [
        "| accuracy held | on | the guide's recipe | ours | ours is |",
        "|---|---|---|---|---|",
    ]
    for score, words in SCORES.items():
        *steps, last = figures["ladders"][score]
        for step in (*steps, last):
            best = ", the guide's best" if step is last else ""
            lines.append(
                f"| {percent(step['accuracy'])}{best} | {words} | {_minutes(step['guide_s'])} | "
                f"{_minutes(step['ours_s'])} | {_faster(step['times_faster'])} |"
            )
    best = figures["best"]
    return [
        *lines,
        "",
        "Best held: "
        + "; ".join(
            f"{words} {percent(best[score]['guide'])} against {percent(best[score]['ours'])}"
            for score, words in SCORES.items()
        )
        + ".",
    ]


def _phases(sides: dict[str, Any]) -> list[str]:
    lines = [
        "| | phase | epochs | side | seconds | pictures learnt from | a second |",
        "|---|---|---|---|---|---|---|",
    ]
    for side, words in SIDES.items():
        first = 0
        for row in sides[side]["phases"]:
            seen = sides[side]["curve"][first]["size_px"]
            first += row["epochs"]
            lines.append(
                f"| {words} | {row['phase']} | {row['epochs']} | {seen[0]} px | "
                f"{row['seconds']:.0f} | {row['pictures']:,} | {row['pictures_per_s']:.0f} |"
            )
    return [
        *lines,
        "",
        "A phase's seconds hold all that happened since the one before: imports, caching, "
        "validation. Pictures count as often as they were learnt from, cached views too. Whole "
        "course and peak memory: "
        + "; ".join(
            f"{words} {_minutes(sides[side]['whole_s'])}, "
            f"{sides[side]['peak_memory_bytes'] / 1e9:.1f} GB"
            for side, words in SIDES.items()
        )
        + ".",
    ]


def _unseen_signers(sides: dict[str, Any]) -> list[str]:
    people = {side: sides[side]["unseen_signers"] for side in SIDES}
    lines = [
        "People that neither trained on, read at the end of each course (the guide's by the epoch "
        "of its best validation accuracy, ours by the weights it kept), 26 / 24 letters:",
        "",
        "| | " + " | ".join(SIDES.values()) + " |",
        "|---|---|---|",
    ]
    for name in people["guide"]["sources"]:
        cells = (_letters(people[side]["sources"][name], "") for side in SIDES)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    means = (f"**{_letters(people[side], 'mean_')}**" for side in SIDES)
    return [*lines, f"| mean | {' | '.join(means)} |"]


def _letters(scores: dict[str, float], prefix: str) -> str:
    return " / ".join(percent(scores[f"{prefix}letters_{count}"]) for count in (26, 24))


def levers(figures: Figures) -> list[str]:
    """Returns the table of what each lever costs and brings."""
    pictures = figures["pictures"]
    rows = figures["summary"]
    seeds = max(len(row["seeds"]) for row in rows)
    lines = [
        f"Photographs of {', '.join(figures['sources'])}, leak-safe ({pictures['train']:,} train, "
        f"{pictures['val']:,} val, {pictures['test']:,} test), {figures['image_px']} px, "
        f"{figures['epochs']} epochs, no synthetic hands: a recipe small enough to be run "
        f"often, not the best one. Mean over {seeds} seeds, lowest and highest in brackets. "
        f"*Unseen signers*: the mean over {len(figures['runs'][0]['unseen_signers'])} sources of other "
        "people.",
        "",
        "| | seeds | training | val | test | unseen signers, 26 letters | 24 letters |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = " | ".join(
            _range(row[score])
            for score in ("val", "test", "unseen_signers_26", "unseen_signers_24")
        )
        lines.append(
            f"| {row['lever']} | {len(row['seeds'])} | {_seconds(row['train_s'])} | {cells} |"
        )
    compared = [_difference(row) for row in rows[1:] if row["to_full"]]
    if compared:
        lines += [
            "",
            "Against the full recipe, seed by seed, in points; only where all seeds agree does a "
            "lever help or harm:",
            "",
            "| | training | val | test | unseen signers, 26 letters | 24 letters |",
            "|---|---|---|---|---|---|",
            *compared,
        ]
    return [
        *lines,
        "",
        "*No sampling by groups* learns from as many pictures as the full recipe, in fewer passes "
        "over all frames. *No cached features* lets the frozen network look at the pictures in "
        "every epoch, changed anew.",
    ]


def _range(spread: dict[str, float]) -> str:
    low, high = (f"{100 * spread[key]:.1f}" for key in ("lowest", "highest"))
    return f"{percent(spread['mean'])} ({low} – {high})"


def _seconds(spread: dict[str, float]) -> str:
    return f"{spread['mean']:.0f} s ({spread['lowest']:.0f} – {spread['highest']:.0f})"


def _difference(row: dict[str, Any]) -> str:
    off = row["to_full"]
    time = off["train_s"]
    points = " | ".join(
        f"{100 * off[score]['mean']:+.1f} ({100 * off[score]['lowest']:+.1f} – "
        f"{100 * off[score]['highest']:+.1f})"
        for score in ("val", "test", "unseen_signers_26", "unseen_signers_24")
    )
    return (
        f"| {row['lever']} | {time['mean']:+.0f} s ({time['lowest']:+.0f} – "
        f"{time['highest']:+.0f}) | {points} |"
    )
