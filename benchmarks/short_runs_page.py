"""What short trainings say of the recipe: sources left out, and each choice undone."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

from page_parts import Figures, percent, said
from reading import STRANGERS
from short_runs import RELEASABLE, STUDY_ONLY, mean
from strangers_levers import RECIPE
from strangers_levers import trials as planned


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


def levers(study: Figures) -> list[str]:
    """Returns what each change of the recipe does to strangers, seed by seed."""
    whole = {run["seed"]: run for run in study["runs"] if run["trial"] == RECIPE}
    trials: dict[str, list[Figures]] = {}
    for run in study["runs"]:
        trials.setdefault(run["trial"], []).append(run)
    rows = []
    every = planned(RELEASABLE, STUDY_ONLY)
    for trial, runs in trials.items():
        cells = [_scores(runs, whole, names) for names in (STUDY_ONLY, STRANGERS)]
        own = percent(statistics.fmean(run["test"] for run in runs))
        rows.append(f"| {trial} | {len(runs)} | {' | '.join(cells)} | {own} |")
    return [
        "## Each choice undone",
        "",
        f"{_short(study)} (*No drawn hands first* begins with ImageNet's weights.) Trained on the "
        f"sources that may be released; {len(trials)} of {len(every)} choices are measured. In "
        "brackets: points gained or lost to the recipe with the same seed, lowest and highest "
        "where there are several. "
        "Only the first column may choose, and no difference of less than five points: the "
        "recipe itself came out four points apart in two such runs ([record 11]"
        "(../adr/0011-the-released-recogniser.md#limits)).",
        "",
        "| | seeds | 24 letters, the five that may only be studied | 24 letters, the five `dev_` "
        "sources | own test pictures |",
        "|---|---|---|---|---|",
        *rows,
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


def _scores(runs: list[Figures], whole: Mapping[int, Figures], names: Sequence[str]) -> str:
    """Returns the mean of some runs on 24 letters, and how far from the recipe they are."""
    names = [name for name in names if name in runs[0]["read"]]
    own = {run["seed"]: mean(run, "letters_24", names) for run in runs}
    told = percent(statistics.fmean(own.values()))
    if runs[0]["trial"] == RECIPE:
        return told
    apart = [100 * (own[x] - mean(whole[x], "letters_24", names)) for x in own if x in whole]
    ends = dict.fromkeys((min(apart), max(apart))) if apart else ()
    return f"{told} ({' – '.join(f'{x:+.1f}' for x in ends)})" if apart else told
