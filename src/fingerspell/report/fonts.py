"""Fonts of plots: which installed families draw the labels, whatever their script."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.font_manager import FontEntry

_LAST_RESORT = "lastresort"
"""Fonts of this name have a box for every character, and draw none."""

_CJK = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "HALFWIDTH"})
"""First words of the names of characters that one font for Chinese, Japanese and Korean has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettering:
    """How plots write labels: the families to try in turn, and a text for each label.

    A label that no installed font draws is written as `#` and its number, counted from 1:
    `numbered` maps these texts to the labels, `install` names fonts that would draw them.
    """

    families: tuple[str, ...]
    texts: tuple[str, ...]
    numbered: dict[str, str]
    install: tuple[str, ...]


def lettering(labels: Sequence[str]) -> Lettering:
    """Finds fonts for labels; where the usual one draws all of them, no other is opened.

    Matplotlib joins and orders the letters of scripts such as Arabic and Devanagari by itself.
    """
    import matplotlib as mpl

    families = tuple(mpl.rcParams["font.family"])
    if missing := [label for label in labels if not _is_drawn(label, families)]:
        families += _covering(set("".join(missing)))
    texts = tuple(
        label if _is_drawn(label, families) else f"#{number}"
        for number, label in enumerate(labels, 1)
    )
    pairs = zip(texts, labels, strict=True)
    numbered = {text: label for text, label in pairs if text != label}
    return Lettering(
        families=families,
        texts=texts,
        numbered=numbered,
        install=_fonts_for("".join(numbered.values())),
    )


def _is_drawn(label: str, families: Collection[str]) -> bool:
    """Lays a label out as a plot would: only that tells of marks and joined emoji, too."""
    from matplotlib.backends import backend_agg
    from matplotlib.font_manager import FontProperties

    renderer: Any = backend_agg.RendererAgg
    font = FontProperties(family=list(families))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            renderer(1, 1, 72).get_text_width_height_descent(label, font, ismath=False)
        except (UserWarning, TypeError):  # No glyph; a name whose bytes are no UTF-8.
            return False
    return True


def _covering(characters: set[str]) -> tuple[str, ...]:
    """Returns few families that together have all characters, as far as any has them."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    # Matplotlib remembers the fonts that it once found, and would not see one just installed.
    for path in set(findSystemFonts()) - {font.fname for font in fontManager.ttflist}:
        with suppress(Exception):  # Damaged, or of a kind that it cannot draw.
            fontManager.addfont(path)
    fonts = {
        font.name: _drawn_by(font, characters)
        for font in fontManager.ttflist
        if (font.style, font.weight) == ("normal", 400)
        and _LAST_RESORT not in font.name.casefold().replace(" ", "")
    }
    found: list[str] = []
    missing = set(characters)
    while fonts:
        best = max(sorted(fonts), key=lambda name: len(fonts[name] & missing))
        if not fonts[best] & missing:
            break
        found.append(best)
        missing -= fonts.pop(best)
    return tuple(found)


def _drawn_by(font: FontEntry, characters: set[str]) -> set[str]:
    """Returns which of the characters a font has a shape for; a colour font may have none."""
    from matplotlib.ft2font import FT2Font, LoadFlags

    try:
        face = FT2Font(font.fname, face_index=font.index)
        charmap = face.get_charmap()
        return {
            x
            for x in characters
            if ord(x) in charmap
            and (face.load_char(ord(x), LoadFlags.NO_SCALE) and len(face.get_path()[0]) > 0)
        }
    except (OSError, RuntimeError):
        return set()


def _fonts_for(characters: str) -> tuple[str, ...]:
    """Names free fonts that draw the characters, each with its package on Debian and Ubuntu."""
    fonts = set()
    for character in characters:
        words = unicodedata.name(character, "").split()
        kind = unicodedata.category(character)
        if words and words[0] in _CJK:
            fonts.add("Noto Sans CJK (fonts-noto-cjk)")
        elif words and kind[0] == "S":
            fonts.add("Symbola (fonts-symbola)")
        elif words and kind[0] in "LMN" and not character.isascii():
            fonts.add(f"Noto Sans {words[0].capitalize()} (fonts-noto-core)")
    return tuple(sorted(fonts))
