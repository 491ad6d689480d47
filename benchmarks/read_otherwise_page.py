"""What the study says of reading otherwise with the same features: other views, another layer."""

from __future__ import annotations

import statistics

from page_parts import Figures, percent, said

MANY = 3


def other_views(figures: Figures) -> list[str]:
    """Returns how unseen signers are read in other views of the same picture."""
    studied, unseen_signers = figures["studied_mean"], figures["unseen_signers_mean"]
    plain = next(iter(studied))
    rows = [
        f"| {_named(views)} | {_beside(studied[views], studied[plain])} "
        f"| {_beside(unseen_signers[views], unseen_signers[plain])} |"
        for views in studied
    ]
    return [
        "## Other views of the same picture",
        "",
        "The released network with one look, at most "
        f"{figures['pictures_a_source']} pictures a source, by one view or by the mean answer of "
        "several.",
        "",
        "| views | 24 letters, the five that may only be studied | 24 letters, the five `dev_` "
        "sources |",
        "|---|---|---|",
        *rows,
        "",
        said(figures),
        "",
    ]


def _named(views: str) -> str:
    """Returns the views by name, many as one."""
    return views if views.count(" + ") < MANY else "all of these"


def other_temperatures(figures: Figures) -> list[str]:
    """Returns what other temperatures make of the answers, and why none makes them all honest."""
    rows, right = figures["rows"], percent(figures["right"])
    released = next(row for row in rows if row["temperature"] == 1)["unseen_signers"]
    least = min(rows, key=lambda row: row["unseen_signers"]["calibration_error"])
    sure = ", ".join(f"`{name}` {100 * apart:+.1f}" for name, apart in released["too_sure"].items())
    cells = (
        f"| {row['temperature']:g} | {percent(row['studied']['calibration_error'])} | "
        + " | ".join(
            percent(row["unseen_signers"][key])
            for key in ("calibration_error", "accepted", "accepted_right", "most_accepted")
        )
        + " |"
        for row in rows
    )
    return [
        "## Other temperatures",
        "",
        "The released bundle's answers, made less sure (above 1) or surer: calibration error, and "
        f"what is accepted at {figures['threshold']:.3g}; *most*: what may be accepted where "
        f"{right} of it are to be right, at the threshold, in steps of 0.01, that the "
        "`dev_` sources themselves would choose. Means over sources.",
        "",
        "| temperature | error, the five that may only be studied | error, the five `dev_` sources "
        "| accepted | of these right | most |",
        "|" + "---|" * 6,
        *cells,
        "",
        "The least error of the `dev_` sources is "
        f"{percent(least['unseen_signers']['calibration_error'])}, at {least['temperature']:g}. Points "
        "by which each is answered surer than rightly, as "
        f"released: {sure}. A temperature moves all of them one way.",
        "",
        said(figures),
        "",
    ]


def other_means(figures: Figures) -> list[str]:
    """Returns how the looks' answers may become one, and what each way makes of unseen signers."""
    keys = ("letters_24", "calibration_error", "accepted", "accepted_right")
    cells = (
        f"| {row['way']} | "
        + " | ".join(
            f"{row[group]['log_loss']:.3f} | {' | '.join(percent(row[group][x]) for x in keys)}"
            for group in ("studied", "unseen_signers")
        )
        + " |"
        for row in figures["rows"]
    )
    return [
        "## Looks put together otherwise",
        "",
        "The released weights by the mean of several looks' features, which is the softmax of "
        "their mean logits, or by the mean of their answers; *all four*: closer at the hand and "
        "at the whole picture, each mirrored, too. Each way has the temperature at which the "
        "study sources' log loss is the least, so only the `dev_` sources are unseen; accepted at "
        f"{figures['threshold']:.3g}. Means over sources.",
        "",
        "| put together | log loss, the five that may only be studied | 24 letters | error "
        "| accepted | of these right | log loss, the five `dev_` sources | 24 letters | error "
        "| accepted | of these right |",
        "|" + "---|" * 11,
        *cells,
        "",
        said(figures),
        "",
    ]


def last_layer(figures: Figures) -> list[str]:
    """Returns what learning the last layer again brings."""
    rows: dict[str, list[Figures]] = {}
    for row in figures["rows"]:
        rows.setdefault(row["name"], []).append(row)
    (released,) = rows.pop("released")
    seeds = {len(found) for found in rows.values()}
    return [
        "## The last layer again",
        "",
        f"What the released network makes of {figures['pictures']:,} changed training pictures "
        "and synthetic hands, and the last layer alone learnt again from it, read with one look; mean "
        f"of {max(seeds)} seeds. In brackets: points gained or lost to the released layer.",
        "",
        "| learnt again | 24 letters, the five that may only be studied | seeds apart | 24 "
        "letters, the five `dev_` sources | seeds apart |",
        "|" + "---|" * 5,
        f"| not: the released layer | {percent(released['studied'])} | "
        f"| {percent(released['unseen_signers'])} | |",
        *(
            f"| {name} | {_of(found, released, 'studied')} | {_of(found, released, 'unseen_signers')} |"
            for name, found in rows.items()
        ),
        "",
        said(figures),
        "",
    ]


def _of(rows: list[Figures], released: Figures, group: str) -> str:
    shares = [row[group] for row in rows]
    apart = 100 * (max(shares) - min(shares))
    return f"{_beside(statistics.fmean(shares), released[group])} | {apart:.1f}"


def _beside(share: float, plain: float) -> str:
    return f"{percent(share)} ({100 * (share - plain):+.1f})"


def going_on(figures: Figures) -> list[str]:
    """Returns what a little more learning, with other synthetic hands, does to unseen signers."""
    runs = figures["runs"]
    start = next(run["end"] for run in runs if not run["steps"])
    rows = []
    for run in runs:
        cells = [run["name"], str(run["seed"]) if run["steps"] else ""]
        for weights in ("end", "mean"):
            for group in ("studied", "unseen_signers"):
                told = "–"
                if weights in run:
                    told = _beside(*(x[group]["mean_letters_24"] for x in (run[weights], start)))
                cells.append(told)
        rows.append(f"| {' | '.join(cells)} |")
    further = {key: x for run in runs for key, x in (run["factors"] or {}).items()}
    times = ", ".join(f"`{key}` {x:g} times" for key, x in further.items())
    return [
        "## Going on with other synthetic hands",
        "",
        f"The released network learnt {runs[0]['steps'] * figures['batch_size']:,} pictures more "
        f"at {figures['rate']:g}, of the photographs that may teach it and of "
        f"{figures['synthetic_per_class']} synthetic hands a class, its BatchNormalization still; "
        f"*further apart*: {times} the recipe's. Read with one look, with the weights at the end "
        "and with the mean of these and the released ones. Only the study sources may choose.",
        "",
        "| hands | seed | the end, the five that may only be studied | the five `dev_` sources | "
        "the mean, the five that may only be studied | the five `dev_` sources |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        said(figures),
        "",
    ]
