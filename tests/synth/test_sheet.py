"""The page of handshapes says what the tables say."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fingerspell.synth.sheet import _STEP, _contact_sheet, _page, _shown_signs, write_sheet
from fingerspell.synth.signs import load_signs

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_in_docs_is_the_one_the_tables_give():
    written = (DOCS / "handshapes.md").read_text(encoding="utf-8")
    assert written == _page("images/handshapes.png"), "run: fingerspell synth sheet"


def test_the_picture_in_docs_is_small_enough_to_ship():
    assert (DOCS / "images" / "handshapes.png").stat().st_size < 600_000


def test_every_sign_stands_on_the_page_with_its_source():
    text = _page("x.png")
    for sign in load_signs().values():
        assert f"| {sign.label} | {sign.words} |" in text
        assert sign.source in text


def test_letters_come_before_digits():
    labels = [sign.label for sign in _shown_signs()]
    assert labels[:2] == ["A", "B"] and labels[-2:] == ["8", "9"]


def test_the_sheet_has_a_cell_a_sign():
    sheet = _contact_sheet(_shown_signs()[:5], columns=2, size_px=48)
    assert sheet.shape == (3 * 48, 2 * 48, 3)
    last = sheet[-48:, -48:]
    assert (last == last[0, 0]).all(), "an empty cell is paper"
    assert not (sheet[:48, :48] == last).all()


def test_writing_the_sheet_twice_gives_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("fingerspell.synth.sheet._shown_signs", lambda: _shown_signs()[:2])
    one, two = write_sheet(tmp_path / "one"), write_sheet(tmp_path / "two")
    assert one[0].read_bytes() == two[0].read_bytes()
    assert np.frombuffer(one[0].read_bytes()[:4], np.uint8)[1:].tobytes() == b"PNG"
    assert _STEP > 1
