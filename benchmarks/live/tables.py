"""Tables of live spelling: rules, frame rates, doubles, letters that move, false letters."""

from collections.abc import Callable

from benchmarks.live.scripts import DOUBLES, MINUTES, TRANSITIONS
from benchmarks.release.unseen_tables import target_row
from benchmarks.tables import Figures, measured_with, percent, read, rows

FLOOR = "known borders"


def number(value: float | None, digits: int = 1) -> str:
    """Returns a number; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def seconds(value: float | None) -> str:
    """Returns a time; a dash where there is none."""
    return "–" if value is None else f"{value:.2f} s"


def table(head: tuple[str, ...], cells: Callable[[Figures], list[str]], floor: bool) -> list[str]:
    """Returns one row a rule of the reporting half; `floor` adds the reader who knows borders."""
    half = read("live")["report"]
    each = {**half["rules"], **({FLOOR: half["floor"]} if floor else {})}
    return rows(("rules", *head), [(name, *cells(told)) for name, told in each.items()])


def rules() -> list[str]:
    """Returns what each rule writes of words at 0.6 and 1.0 s a letter, and at 0.3 s."""
    head = (
        "letters wrong", "substituted", "missing", "inserted", "words right", "delay",
        "worst source", "letters wrong at 0.3 s",
    )  # fmt: skip
    keys = ("letters_wrong", "substituted", "missing", "inserted", "words_right")

    def cells(told: Figures) -> list[str]:
        return [
            *(percent(told[key]) for key in keys), seconds(told["delay_s"]),
            percent(told["worst_source"]), percent(told["fast"]["letters_wrong"]),
        ]  # fmt: skip

    figures = read("live")
    there, floor = figures["report"]["streams"], figures["report"]["floor"]
    return [
        f"{floor['letters']:,} letters at 0.6 and 1.0 s, {floor['fast']['letters']:,} at 0.3 s; "
        f"{there['words']} words of {len(there['sources'])} sources.",
        "",
        *table(head, cells, floor=True),
        *measured_with(figures),
    ]


def sources() -> list[str]:
    """Returns the letters wrong of each signer and of each kind of transition."""
    names = read("live")["report"]["streams"]["sources"]

    def cells(told: Figures) -> list[str]:
        by_name = [told["sources"][name]["letters_wrong"] for name in names]
        by_way = [told["transitions"][way]["letters_wrong"] for way in TRANSITIONS]
        return [percent(x) for x in (*by_name, *by_way)]

    return table((*(f"`{x}`" for x in names), *TRANSITIONS), cells, floor=True)


def rates() -> list[str]:
    """Returns the letters wrong at each frame rate, and how often all rates give one text."""
    each = sorted(read("live")["report"]["floor"]["rates"]["letters_wrong"], key=int)

    def cells(told: Figures) -> list[str]:
        wrong = told["rates"]["letters_wrong"]
        return [
            *(percent(wrong[fps]) for fps in each),
            f"{100 * told['rates']['apart']:.1f} points", percent(told["rates"]["same_text"]),
        ]  # fmt: skip

    return table((*(f"{x} a second" for x in each), "apart", "the same text"), cells, floor=True)


def doubles() -> list[str]:
    """Returns how doubles are written, and what is written of synthetic films."""
    head = (
        *DOUBLES, "wrong doubles in 100 letters", "films: letters wrong, no doubles, J or Z",
        "films: J and Z",
    )  # fmt: skip

    def cells(told: Figures) -> list[str]:
        return [
            *(f"{percent(told['doubles'][x], 0)} of {told['doubles']['read'][x]}" for x in DOUBLES),
            number(told["doubles"]["wrong_per_100"]),
            percent(told["films"]["without_doubles"]), percent(told["films"]["moving"]),
        ]  # fmt: skip

    return table(head, cells, floor=False)


def false() -> list[str]:
    """Returns the letters a minute written where nobody signs."""
    return table(
        tuple(kind.replace("_", " ") for kind in MINUTES),
        lambda told: [number(told["minutes"][kind]) for kind in MINUTES],
        floor=False,
    )


def aims() -> list[str]:
    """Returns the aims of the rules that ship, and how far they are from each."""
    half = read("live")["report"]
    told, worded = half["rules"]["evidence"], half["rules"]["evidence, with a word list"]
    minutes, pair = told["minutes"], told["doubles"]
    shares = (
        ("letters wrong", told["letters_wrong"], 0.12, False),
        ("more letters wrong than with known borders", told["letters_wrong"] - half["floor"][
            "letters_wrong"], 0.04, False),
        ("letters wrong, worst source", told["worst_source"], 0.2, False),
        ("letters wrong at 0.3 s a letter", told["fast"]["letters_wrong"], 0.2, False),
        ("letters wrong with a word list", worded["letters_wrong"], 0.06, False),
        ("words right with a word list", worded["words_right"], 0.85, True),
        ("letters wrong, 5 to 30 frames a second apart", told["rates"]["apart"], 0.02, False),
        *((f"doubles right by {x}", pair[x], 0.85, True) for x in DOUBLES),
        ("films, letters wrong without doubles", told["films"]["without_doubles"], 0.02, False),
        ("films, J and Z", told["films"]["moving"], 0.85, True),
    )  # fmt: skip
    numbers = (
        ("delay, s", told["delay_s"], 0.3),
        ("wrong doubles in 100 letters", pair["wrong_per_100"], 1.0),
        *((f"letters a minute, {kind.replace('_', ' ')}", minutes[kind], 1.0) for kind in MINUTES),
    )
    body = [target_row(*row) for row in shares]
    for words, value, most in numbers:
        met = "met" if value <= most else f"missed by {value - most:.1f}"
        body.append((words, f"≤ {most:g}", number(value, 2), met))
    return rows(("what", "aim", "measured", ""), body)


BLOCKS = {
    "live_aims": aims,
    "live_rules": rules,
    "live_sources": sources,
    "live_rates": rates,
    "live_doubles": doubles,
    "live_false": false,
}
