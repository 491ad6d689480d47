"""Labels in any script: drawn by a font that is installed, or numbered, and never a box."""

import warnings
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from fingerspell.evaluate.report import MATRIX_PNG, write_report
from fingerspell.report.fonts import lettering
from fingerspell.report.plots import confusion_png
from helpers.evaluated import HISTORY, RUN, evaluated


def font(folder: Path, name: str, *, drawn: str, blank: str = "") -> str:
    """A font file with a square for each character of `drawn`, and nothing in those of `blank`."""
    pen = TTGlyphPen(None)
    for number, corner in enumerate(((0, 0), (0, 700), (700, 700), (700, 0))):
        (pen.lineTo if number else pen.moveTo)(corner)
    pen.closePath()
    square, empty = pen.glyph(), TTGlyphPen(None).glyph()
    glyphs = {".notdef": empty, **{f"u{ord(x):04X}": square for x in drawn}}
    glyphs |= {f"u{ord(x):04X}": empty for x in blank}
    builder = FontBuilder(1000)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({ord(x): f"u{ord(x):04X}" for x in drawn + blank})
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (800, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": name, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(folder / f"{name}.ttf")
    return str(folder / f"{name}.ttf")


@pytest.fixture
def installed(monkeypatch):
    """Says which fonts lie in the system's folders beside those of Matplotlib itself."""
    manager = font_manager.fontManager
    monkeypatch.setattr(manager, "ttflist", [x for x in manager.ttflist if "mpl-data" in x.fname])

    def install(*paths: str) -> None:
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda: list(paths))

    install()
    return install


def test_the_usual_font_is_enough_for_what_it_has_and_a_dollar_is_no_formula():
    labels = ("A", "Ж", "ا", "é", "$a$", r"$\foo$", "_", "a\u200bb")
    found = lettering(labels)
    assert (found.families, found.texts) == (("sans-serif",), labels)
    assert (found.numbered, found.install) == ({}, ())
    assert confusion_png([[1] * 8] * 8, found)


def test_installed_fonts_are_looked_for_by_their_characters_however_new(tmp_path, installed):
    scripts = font(tmp_path, "Scripts", drawn="कखग谢")
    blank = font(tmp_path, "Aaa Colours", drawn="谢", blank="कखग한")
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    installed(scripts, blank, str(broken))
    found = lettering(("A", "क", "खग", "谢谢", "한"))
    assert found.families == ("sans-serif", "Scripts")
    assert found.texts == ("A", "क", "खग", "谢谢", "#5"), "a blank shape is no picture of a letter"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert confusion_png([[1] * 5] * 5, found)


@pytest.mark.parametrize(
    ("label", "fonts"),
    [
        ("हिन्दी", ("Noto Sans Devanagari (fonts-noto-core)",)),
        ("ありがとう", ("Noto Sans CJK (fonts-noto-cjk)",)),
        ("谢谢", ("Noto Sans CJK (fonts-noto-cjk)",)),
        ("A감사", ("Noto Sans CJK (fonts-noto-cjk)",)),
        ("ขอบคุณ", ("Noto Sans Thai (fonts-noto-core)",)),
        ("ሰላም", ("Noto Sans Ethiopic (fonts-noto-core)",)),
        ("👍🏽", ("Symbola (fonts-symbola)",)),
        ("\u0378", ()),
        ("caf\udce9", ()),
    ],
)
def test_what_no_font_draws_is_a_number_and_the_font_to_install_is_named(label, fonts, installed):
    found = lettering(("A", label, "B"))
    assert (found.texts, found.numbered) == (("A", "#2", "B"), {"#2": label})
    assert found.install == fonts


def test_the_report_is_written_all_the_same_and_says_it_once(tmp_path, capsys, installed):
    report = evaluated()
    report["class_names"] = ["क", "谢", "✌", "ख"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_report(tmp_path, report, HISTORY, RUN)
    said = capsys.readouterr().out
    assert said == (
        f"note: no installed font draws 3 label(s) in {MATRIX_PNG}: क is #1, 谢 is #2, ख is #4; "
        "to have them drawn: install Noto Sans CJK (fonts-noto-cjk), Noto Sans Devanagari "
        f"(fonts-noto-core), then fingerspell evaluate --output_dir {tmp_path}\n"
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "In the matrix: #1 <bdi>क</bdi>, #2 <bdi>谢</bdi>, #4 <bdi>ख</bdi>." in page
