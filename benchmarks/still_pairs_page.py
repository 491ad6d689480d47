"""What the study says of letters that a still cannot tell apart."""

from __future__ import annotations

from page_parts import Figures, percent


def stills(figures: Figures) -> list[str]:
    """Returns how letters are read that look alike unless they move, and the digit 1."""
    means = figures["pairs_mean"]
    return [
        "## What a still cannot tell",
        "",
        "J and Z are movements: a still of J looks like I, a still of Z like D. *Right*: answered "
        "as the letter that was meant; *either*: as one of the two, which is what can be known "
        "from a still; *J as I*: the share of the pictures of J that are taken for I."
        f"{_alone(figures)}",
        "",
        *(
            line
            for name in {**means["unseen_signers"], **means["studied"]}
            for line in [*_pair_table(name, figures), ""]
        ),
        _one(figures["digit_one"]),
        "",
    ]


def _pair_table(name: str, figures: Figures) -> list[str]:
    """Returns the table of one pair, e.g. `I/J`: the sources that show it, and their means."""
    still, moving = name.split("/")
    head = f"{still} and {moving} | pictures | right | either"

    def row(source: str, pictures: str, pair: Figures) -> str:
        shares = (pair["right"], pair["either"], *(pair["as_other"][x] for x in (moving, still)))
        cells = ("–" if share is None else percent(share) for share in shares)
        return f"| {source} | {pictures} | {' | '.join(cells)} |"

    rows = [f"| {head} | {moving} as {still} | {still} as {moving} |", "|" + "---|" * 6]
    for group, words in (("unseen_signers", "`dev_`"), ("studied", "study")):
        pairs = {source: s["pairs"].get(name) for source, s in figures[group].items()}
        rows += [row(x, f"{pair['pictures']:,}", pair) for x, pair in pairs.items() if pair]
        if name in figures["pairs_mean"][group]:
            rows.append(row(f"**mean, {words}**", "", figures["pairs_mean"][group][name]))
    return rows


def _alone(figures: Figures) -> str:
    """Returns a sentence about the sources that show one letter of a pair alone, where any do."""
    told = [
        f"`{source}` shows no {letter}"
        for group in ("unseen_signers", "studied")
        for source, s in figures[group].items()
        for pair in s["pairs"].values()
        for letter, recall in pair["recall"].items()
        if recall is None
    ]
    return f" Means are over sources that show both; {', '.join(told)}." if told else ""


def _one(digit: Figures) -> str:
    return (
        "The digit 1 looks like D and Z, too, and no training picture showed it. Of "
        f"{digit['pictures']:,} photographs of it {percent(digit['D'])} are answered as D, "
        f"{percent(digit['Z'])} as Z, {percent(digit['other_letters'])} as another letter and "
        f"{percent(digit['nothing'])} as `nothing`; {percent(digit['accepted'])} are taken for a "
        "letter at the threshold."
    )
