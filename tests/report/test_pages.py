"""What both pages and both cards share: one style sheet, escaping, small pictures."""

import re
from pathlib import Path

import numpy as np
import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from fingerspell.images import encode_jpeg
from fingerspell.report import pages as shared
from fingerspell.report.data_report import _page_html
from fingerspell.report.run_report import run_page
from helpers.evaluated import RUN, evaluated
from helpers.html_page import Page
from helpers.prepared_folder import qualities, report, two_classes, write_pictures


def styles(html: str) -> list[str]:
    return re.findall(r"<style>(.*?)</style>", html, re.DOTALL)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A page of a data set and one of a run."""
    folder, samples = tmp_path_factory.mktemp("dataset"), two_classes()
    write_pictures(folder, samples)
    return [
        _page_html(folder, report(samples), samples, qualities(samples)),
        run_page(evaluated(unseen=True, exported=True), RUN, b"matrix", b"curves", {}),
    ]


def test_both_pages_have_the_one_style_sheet_inside(pages: list[str]) -> None:
    sheet = (shared._TEMPLATES / shared._STYLE).read_text(encoding="utf-8")
    assert [[style.strip() for style in styles(html)] for html in pages] == [[sheet.strip()]] * 2


def test_a_page_asks_for_nothing_and_is_made_for_night_and_phone(pages: list[str]) -> None:
    for html in pages:
        assert not re.search(r"https?:|//[a-z]|url\(|@import|<script|<iframe", html)
        assert all(link.startswith("data:") for link in Page(html).links())
        assert "default-src 'none'" in html
        assert "@media (prefers-color-scheme: dark)" in styles(html)[0]
        assert "@media (max-width: 44rem)" in styles(html)[0]
        assert 'name="viewport"' in html


def test_every_style_class_of_a_page_is_in_the_sheet(pages: list[str]) -> None:
    sheet = (shared._TEMPLATES / shared._STYLE).read_text(encoding="utf-8")
    used = {
        one
        for html in pages
        for _, name, value in Page(html).attributes
        if name == "class"
        for one in (value or "").split()
    }
    unknown = {one for one in used if not re.search(rf"\.{one}\b", sheet)}
    assert unknown - {"train", "pictures"} == set()


def test_a_value_that_a_template_lacks_is_an_error_and_no_gap() -> None:
    with pytest.raises(UndefinedError):
        shared.page("run_report.html.j2")
    with pytest.raises(UndefinedError):
        shared.card("model_card.md.j2")


def test_markdown_signs_lose_their_meaning() -> None:
    assert shared._markdown("a|b\n# <x> [d](e) _f_ g_h") == r"a\|b \# \<x\> \[d\](e) \_f\_ g_h"
    assert shared._markdown(Markup("| a |")) == "| a |"
    assert shared._code("a ` b_c|d") == "`a b_c|d`"
    assert shared.table(("x", "y"), [("a|", 1)]) == "| x | y |\n|---|---:|\n| a\\| | 1 |"


def test_a_thumbnail_of_a_noisy_picture_stays_small(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 500, 3), dtype=np.uint8)
    (tmp_path / "noise.jpg").write_bytes(encode_jpeg(noise))
    assert 500 < len(shared.thumb_uri(tmp_path / "noise.jpg")) < 8000


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (30, 20)])
def test_every_shape_has_a_thumbnail(tmp_path: Path, shape: tuple[int, int]) -> None:
    (tmp_path / "x.jpg").write_bytes(encode_jpeg(np.zeros((*shape, 3), np.uint8)))
    assert shared.thumb_uri(tmp_path / "x.jpg").startswith("data:image/jpeg;base64,")


def test_what_cannot_be_opened_has_no_thumbnail(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"no picture")
    assert shared.thumb_uri(tmp_path / "x.jpg") == shared.thumb_uri(tmp_path / "gone.jpg") == ""
