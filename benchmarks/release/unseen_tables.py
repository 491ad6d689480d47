"""Tables about unseen signers: targets, source by source, confusions, stills, the threshold."""

from collections.abc import Mapping
from statistics import fmean

from benchmarks.release.catalogue import catalogue
from benchmarks.tables import Figures, measured_with, percent, read, rows

TARGETS = {
    "letters_24": ("the 24 static letters, mean over sources", 0.93, True),
    "accuracy": ("all classes, mean over sources", 0.90, True),
    "worst_24": ("the worst source, 24 letters", 0.80, True),
    "calibration_error": ("expected calibration error", 0.05, False),
    "accepted_right": ("right among the answers accepted", 0.97, True),
    "accepted": ("answers accepted", 0.80, True),
}
"""Key of the mean over sources: words, aim, and whether at least (else at most) that much."""

OWN_TARGET = 0.97
MOST_APART = 3.0  # Points between the pictures as they are and mirrored.
FORM = 0.7
"""From this share on of a source's pictures of a letter, its form is said to be missed."""

GROUPS = {"unseen_signers": "unseen signers", "studied": "study sources"}


def targets() -> list[str]:
    """Returns the aims, and what was reached."""
    figures, own = read("unseen_signers"), read("own_test")
    return [
        *target_table(figures, own),
        "",
        f"Means are over sources. The threshold of the bundle is {figures['threshold']:.3g}.",
        *measured_with(figures),
        *measured_with(own),
    ]


def target_table(figures: Figures, own: Figures | None = None) -> list[str]:
    """Returns the table alone; `own` adds the test split of what the recogniser learnt from."""
    means = figures["unseen_signers_mean"]
    body = [target_row(aim[0], means[key], *aim[1:]) for key, aim in TARGETS.items()]
    apart = 100 * abs(means["letters_24"] - means["mirrored_24"])
    told = "met" if apart <= MOST_APART else f"missed by {apart - MOST_APART:.1f} points"
    aim = f"≤ {MOST_APART:g} points"
    body.append(("left and right hands apart", aim, f"{apart:.1f} points", told))
    if own:
        words = f"all classes of its own test split, {own['pictures']:,} pictures"
        body.append(target_row(words, own["accuracy"], OWN_TARGET, True))
    return rows(("what", "aim", "measured", ""), body)


def target_row(words: str, value: float, aim: float, at_least: bool) -> tuple[str, ...]:
    """Returns one aim, met or missed."""
    met = value >= aim if at_least else value <= aim
    told = "met" if met else f"missed by {100 * abs(value - aim):.1f} points"
    return words, f"{'≥' if at_least else '≤'} {percent(aim)}", percent(value), told


def sources() -> list[str]:
    """Returns a row a source for unseen signers, and for sources that only choose."""
    figures = read("unseen_signers")
    return [
        *source_table(figures["unseen_signers"], figures["unseen_signers_mean"]),
        "",
        "Sources that may be studied and not released:",
        "",
        *source_table(figures["studied"], figures["studied_mean"]),
        *measured_with(figures),
    ]


def source_table(each: Mapping[str, Figures], means: Figures) -> list[str]:
    """Returns one row a source, and their mean."""
    head = (
        "source", "who is seen", "pictures", "24 letters", "mirrored", "half", "third",
        "26 letters", "all classes", "error", "accepted", "of these right",
    )  # fmt: skip
    keys = (
        "letters_24", "mirrored_24", "farther_24", "third_24", "letters_26", "accuracy",
        "calibration_error", "accepted", "accepted_right",
    )  # fmt: skip
    who = {source.name: source.who for source in catalogue()}
    body = [
        (name, who.get(name, ""), f"{s['pictures']:,}", *(percent(s[key]) for key in keys))
        for name, s in each.items()
    ]
    return rows(head, [*body, ("**mean**", "", "", *(percent(means[key]) for key in keys))])


def views() -> list[str]:
    """Returns what the hand crop brings over a single view."""
    figures = read("unseen_signers")
    hands = {
        "as they are": "letters", "half the size": "farther", "a third of it": "third",
        "a third of it, before rooms with people": "before",
    }  # fmt: skip
    body = [
        (f"{words}, {hand}", percent(means[f"single_view_{key}_24"]), percent(means[f"{key}_24"]))
        for group, words in GROUPS.items()
        for means in [figures[f"{group}_mean"]]
        for hand, key in hands.items()
    ]
    head = ("24 letters, mean over", "single view", "hand crop, as it is and mirrored")
    return [*rows(head, body), *measured_with(figures)]


def confusions() -> list[str]:
    """Returns what is mistaken for what, and which letters are read least often."""
    figures = read("unseen_signers")
    recalls: dict[str, list[float]] = {}
    for source in figures["unseen_signers"].values():
        for label, recall in source["per_class"].items():
            if recall is not None:
                recalls.setdefault(label, []).append(recall)
    means = sorted((fmean(r), label) for label, r in recalls.items())
    worst = ", ".join(f"{label} {percent(mean)}" for mean, label in means[:8])
    body = [
        (name, ", ".join(f"{c['truth']} as {c['answer']} ({c['count']})"
                         for c in s["top_confusions"]))
        for name, s in figures["unseen_signers"].items()
    ]  # fmt: skip
    return [
        f"Least often right, mean over the sources that show them: {worst}.",
        "",
        *rows(("source", "true class as answer (pictures)"), body),
        "",
        f"Forms that are missed as a whole: {forms(figures)}.",
        *measured_with(figures),
    ]


def forms(figures: Figures) -> str:
    """Returns the letters of which a source's pictures are nearly all taken for one other."""
    missed = [
        f"`{name}` {pair['truth']} as {pair['answer']} ({pair['count']}, "
        f"{percent(pair['share'], 0)})"
        for group in GROUPS
        for name, source in figures[group].items()
        for pair in source["top_confusions"]
        if pair["share"] >= FORM
    ]
    return "; ".join(missed) or "none"


def stills() -> list[str]:
    """Returns how letters are read that look alike unless they move, and the digit 1."""
    figures = read("unseen_signers")
    means, digit = figures["pairs_mean"], figures["digit_one"]
    lines: list[str] = []
    for name in {**means["unseen_signers"], **means["studied"]}:
        lines += [*pair_table(name, figures), ""]
    return [
        *lines,
        f"Of {digit['pictures']:,} photographs of the digit 1, which no training picture showed, "
        f"{percent(digit['D'])} are answered as D, {percent(digit['Z'])} as Z, "
        f"{percent(digit['other_letters'])} as another letter and {percent(digit['nothing'])} as "
        f"`nothing`; {percent(digit['accepted'])} are taken for a letter at the threshold.",
        *measured_with(figures),
    ]


def pair_table(name: str, figures: Figures) -> list[str]:
    """Returns the table of one pair, e.g. `I/J`: the sources that show it, and their means.

    A mean is over the sources that show both letters.
    """
    still, moving = name.split("/")

    def row(source: str, pictures: str, pair: Figures) -> tuple[str, ...]:
        shares = (pair["right"], pair["either"], *(pair["as_other"][x] for x in (moving, still)))
        return (source, pictures, *map(percent, shares))

    body = []
    for group, words in GROUPS.items():
        pairs = {source: s["pairs"].get(name) for source, s in figures[group].items()}
        body += [row(x, f"{pair['pictures']:,}", pair) for x, pair in pairs.items() if pair]
        if name in figures["pairs_mean"][group]:
            body.append(row(f"**mean, {words}**", "", figures["pairs_mean"][group][name]))
    first = (f"{still} and {moving}", "pictures", "right", "either")
    return rows((*first, f"{moving} as {still}", f"{still} as {moving}"), body)


def threshold() -> list[str]:
    """Returns accuracy by coverage, and how many non-letters are accepted."""
    figures = read("unseen_signers")
    digits, unseen = figures["non_letters"], figures["unseen_signers"].values()
    shares = (1.0, 0.9, 0.8, 0.7, 0.5)
    right = [
        [r["accuracy"] for s in unseen for r in s["risk_coverage"] if r["coverage"] == share]
        for share in shares
    ]
    each = ", ".join(f"{digit}: {percent(share)}" for digit, share in digits["each"].items())
    return [
        *rows([f"surest {percent(x, 0)}" for x in shares], [[percent(fmean(x)) for x in right]]),
        "",
        f"Of {digits['pictures']:,} hands that show {', '.join(digits['digits'][:-1])} or "
        f"{digits['digits'][-1]}, which look like no letter, {percent(digits['accepted'])} are "
        f"taken for one at the threshold ({each}).",
        *measured_with(figures),
    ]


def fairness() -> list[str]:
    """Returns how static letters are read by skin tone, and what the side of the hand changes."""
    figures = read("unseen_signers")
    return [*fairness_table(figures["fairness"]), *measured_with(figures)]


def fairness_table(figures: Figures) -> list[str]:
    """Returns the table alone: means over sources, with their 95 % intervals."""
    body = [
        (band, str(t["sources"]), f"{t['pictures']:,}", percent(t["accuracy"]), between(t))
        for band, t in figures["skin_tones"].items()
    ]
    hands, head = figures["hands"], ("skin tone", "sources", "pictures", "24 letters", "interval")
    low, high = (100 * x for x in hands["interval"])
    return [
        *rows(head, body),
        "",
        f"Hands as they are, less their mirror images: {100 * hands['apart']:+.1f} points "
        f"({low:+.1f} to {high:+.1f}), mean over {hands['sources']} sources.",
    ]


def between(figures: Figures) -> str:
    """Returns an interval in words; a single source has none."""
    low, high = map(percent, figures["interval"])
    return f"{low} to {high}" if figures["sources"] > 1 else "–"


BLOCKS = {
    "unseen_fairness": fairness,
    "unseen_targets": targets,
    "unseen_sources": sources,
    "unseen_views": views,
    "unseen_confusions": confusions,
    "unseen_stills": stills,
    "unseen_threshold": threshold,
}
