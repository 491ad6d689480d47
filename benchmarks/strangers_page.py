"""The page about people nobody has seen, and the released recogniser's model card."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

from page_parts import Figures, found, percent, said, written
from reading import STRANGERS
from short_runs import RELEASABLE, STUDY_ONLY, mean
from strangers_levers import RECIPE
from strangers_levers import trials as planned

TITLE = "# People nobody has seen: how well are they read?"
AIMS = {
    "letters_24": ("the 24 static letters, mean over sources", 0.93, True),
    "accuracy": ("all classes, mean over sources", 0.90, True),
    "worst_24": ("the worst source, 24 letters", 0.80, True),
    "calibration_error": ("expected calibration error", 0.05, False),
    "accepted_right": ("right among the answers accepted", 0.97, True),
    "accepted": ("answers accepted", 0.80, True),
}


def strangers() -> str:
    """Returns the page; what has not been measured is said to be missing."""
    figures = found("strangers")
    body = ["Not measured.", ""] if figures is None else _body(figures)
    made = written("strangers.py, left_out.py, strangers_levers.py")
    out, choices = found("left_out"), found("strangers_levers")
    apart = [] if out is None else _left_out(out)
    undone = [] if choices is None else _levers(choices)
    return "\n".join([TITLE, "", *made, *body, *apart, *undone])


def _body(figures: Figures) -> list[str]:
    return [
        "The released recogniser (`src/fingerspell/assets/starter`) on sources of people, rooms "
        "and cameras that no training picture shows. The five `dev_` sources decided nothing in "
        "its training; the upper bound of its threshold was chosen with them in view ([record 11]"
        "(../adr/0011-the-released-recogniser.md)), and drawn hands were mended after looking at "
        "some of their pictures, so quite unseen they are not. Other sources are measured too that "
        "may not train a released network.",
        "",
        "## What was aimed at, and what it came to",
        "",
        *aims(figures),
        "",
        "Means are over sources, because pictures of one source are mostly frames of one hand. "
        f"The threshold that the bundle carries is {figures['threshold']:.3g}. One picture takes "
        f"{figures['median_ms']:.1f} ms on one thread (median).",
        "",
        "## Source by source",
        "",
        *table(figures["strangers"], figures["strangers_mean"]),
        "",
        "Sources that may be studied and not released:",
        "",
        *table(figures["studied"], figures["studied_mean"]),
        "",
        "*Mirrored*: 24 letters, the same pictures turned into the other hand. *Farther*: 24 "
        "letters, at half their size in the middle of a grey picture. *Error*: expected "
        "calibration error. J and Z are movements; their stills count among 26 letters and all "
        "classes only.",
        "",
        *_looks(figures),
        *_hardest(figures),
        *_silence(figures),
        said(figures),
        "",
    ]


def aims(figures: Figures) -> list[str]:
    """Returns the table of aims, met or missed."""
    means = figures["strangers_mean"]
    rows = []
    for name, (words, aim, at_least) in AIMS.items():
        value = means[name]
        met = value >= aim if at_least else value <= aim
        sign = "≥" if at_least else "≤"
        missed = f"missed by {100 * abs(value - aim):.1f} points"
        told = "met" if met else missed
        rows.append(f"| {words} | {sign} {percent(aim)} | {percent(value)} | {told} |")
    apart = 100 * abs(means["letters_24"] - means["mirrored_24"])
    told = "met" if apart <= 3 else f"missed by {apart - 3:.1f} points"
    rows.append(f"| left and right hands apart | ≤ 3 points | {apart:.1f} points | {told} |")
    return ["| what | aim | measured | |", "|---|---|---|---|", *rows]


def table(sources: dict[str, Figures], means: Figures) -> list[str]:
    """Returns one row a source, and their mean."""
    head = (
        "| source | pictures | 24 letters | mirrored | farther | 26 letters | all classes | error "
        "| accepted | of these right |"
    )
    rows = [_row(name, f"{s['pictures']:,}", s) for name, s in sources.items()]
    return [head, "|" + "---|" * 10, *rows, _row("**mean**", "", means)]


def _row(name: str, pictures: str, s: Figures) -> str:
    shares = (
        "letters_24", "mirrored_24", "farther_24", "letters_26", "accuracy", "calibration_error"
    )  # fmt: skip
    cells = [percent(s[key]) for key in (*shares, "accepted", "accepted_right")]
    return f"| {name} | {pictures} | {' | '.join(cells)} |"


def _looks(figures: Figures) -> list[str]:
    """Returns what the look at the mirrored picture brings."""
    groups = (
        ("the five strangers", figures["strangers_mean"]),
        ("the other five", figures["studied_mean"]),
    )
    rows = [
        f"| {words} | {percent(means['one_look_24'])} | {percent(means['letters_24'])} |"
        for words, means in groups
    ]
    return [
        "## What the second look brings",
        "",
        "The network in the bundle answers by the mean features of the picture and of its mirror "
        "image, so a left hand is read as a right one. 24 letters, with the same weights:",
        "",
        "| mean over | one look | both |",
        "|---|---|---|",
        *rows,
        "",
    ]


def _hardest(figures: Figures) -> list[str]:
    recalls: dict[str, list[float]] = {}
    for source in figures["strangers"].values():
        for label, recall in source["per_class"].items():
            if recall is not None:
                recalls.setdefault(label, []).append(recall)
    means = sorted((sum(r) / len(r), label) for label, r in recalls.items())
    worst = ", ".join(f"{label} {percent(mean)}" for mean, label in means[:8])
    rows = [
        f"| {name} | "
        + ", ".join(f"{c['truth']} as {c['answer']} ({c['count']})" for c in s["top_confusions"])
        + " |"
        for name, s in figures["strangers"].items()
    ]
    return [
        "## What is mistaken for what",
        "",
        f"Least often right, mean over the five sources that show them: {worst}.",
        "",
        "| source | true class as answer (pictures) |",
        "|---|---|",
        *rows,
        "",
    ]


def _silence(figures: Figures) -> list[str]:
    digits = figures["outsiders"]
    means = {
        share: [
            row["accuracy"]
            for s in figures["strangers"].values()
            for row in s["risk_coverage"]
            if row["coverage"] == share
        ]
        for share in (1.0, 0.9, 0.8, 0.7, 0.5)
    }
    cells = " | ".join(percent(sum(found) / len(found)) for found in means.values())
    return [
        "## Knowing when it does not know",
        "",
        "Right among the surest answers of each source, mean over the five:",
        "",
        "| " + " | ".join(f"surest {percent(share)}" for share in means) + " |",
        "|" + "---|" * len(means),
        f"| {cells} |",
        "",
        f"Of {digits['pictures']:,} hands that show {', '.join(digits['digits'][:-1])} or "
        f"{digits['digits'][-1]}, which look like no letter (218 people, "
        "whose 0, 2, 6 and 9 it learnt as letters), "
        f"{percent(digits['accepted'])} are taken for one at the threshold{_each_of(digits)}.",
        "",
    ]


def _each_of(digits: Figures) -> str:
    told = ", ".join(
        f"{digit}: {percent(share)}" for digit, share in digits.get("each", {}).items()
    )
    return f" ({told})" if told else ""


def _short(figures: Figures) -> str:
    first = figures["first_epochs"], figures["first_drawn_per_class"]
    return (
        f"A short form of `configs/strangers.py`: {figures['image_px']} px, {figures['epochs']} "
        f"epochs, {figures['drawn_per_class']} drawn hands a class, one look. Every run begins "
        f"with a backbone that {first[0]} epochs of {first[1]} drawn hands a class have taught, "
        "and no photograph."
    )


def _left_out(study: Figures) -> list[str]:
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


def _both(read: Iterable[Mapping[str, float]]) -> str:
    """Returns the means over sources on 24 and on 26 letters, as two cells."""
    found = list(read)
    return " | ".join(
        percent(statistics.fmean(scores[key] for scores in found))
        for key in ("letters_24", "letters_26")
    )


def _levers(study: Figures) -> list[str]:
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
        "Only the first column may choose; differences of a point are within what another seed "
        "does.",
        "",
        "| | seeds | 24 letters, the five that may only be studied | 24 letters, the five `dev_` "
        "sources | own test pictures |",
        "|---|---|---|---|---|",
        *rows,
        "",
        said(study),
        "",
    ]


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
