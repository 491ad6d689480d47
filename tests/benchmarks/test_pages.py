"""The page writer rewrites generated blocks, leaves all else, and sees what is stale."""

import pytest

from benchmarks import pages
from fingerspell.errors import DataError

BLOCKS = {"one": lambda: ["| a |", "|---|"], "two": lambda: ["twice"]}
PAGE = """# Hand-written

<!-- begin one -->
old
<!-- end -->

Between.

<!-- begin two -->
<!-- end -->
"""


def test_blocks_are_recomputed_and_the_text_around_them_stays():
    text, stale = pages.written(PAGE, BLOCKS)
    assert stale == ["one", "two"]
    assert text.startswith("# Hand-written\n\n<!-- begin one -->\n\n| a |\n|---|\n\n<!-- end -->\n")
    assert "\nBetween.\n" in text and "old" not in text
    assert pages.written(text, BLOCKS) == (text, [])


def test_a_block_that_was_edited_by_hand_is_stale():
    text, _ = pages.written(PAGE, BLOCKS)
    assert pages.written(text.replace("twice", "thrice"), BLOCKS) == (text, ["two"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<!-- begin three -->\n<!-- end -->", "unknown block 'three'"),
        ("<!-- begin one -->\n", "block one has no end"),
        ("<!-- begin one -->\n<!-- begin two -->\n<!-- end -->", "line 2"),
        ("text\n<!-- end -->", "line 2"),
    ],
)
def test_a_page_that_cannot_be_written_says_where(text, told):
    with pytest.raises(DataError, match=told):
        pages.written(text, BLOCKS)


@pytest.mark.parametrize("name", pages.BLOCKS)
def test_every_block_is_made_of_what_was_measured(name):
    lines = pages.BLOCKS[name]()
    assert all(isinstance(line, str) and "\n" not in line for line in lines)
    tables = [line for line in lines if line.startswith("|---")]
    assert tables or len(" ".join(lines)) > 40
    for line in (x for x in lines if x.startswith("| ")):
        assert line.count("|") in {x.count("|") for x in tables}


def test_a_table_without_its_measurement_names_the_file(results):
    with pytest.raises(DataError, match=r"no answer_time\.json"):
        pages.written("<!-- begin answer_time -->\n<!-- end -->", pages.BLOCKS)


def test_the_check_writes_nothing_and_ends_with_1_where_a_block_is_stale(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("<!-- begin synth_speed -->\n<!-- end -->\n", encoding="utf-8")
    before = page.read_text(encoding="utf-8")
    assert pages.main(["--check", str(page)]) == 1
    assert "block synth_speed" in capsys.readouterr().out
    assert page.read_text(encoding="utf-8") == before
    assert pages.main([str(page)]) == 0
    assert pages.main(["--check", str(page)]) == 0
    page.write_text("x<!-- begin y -->\n<!-- begin nothing_like_it -->\n", encoding="utf-8")
    assert pages.main(["--check", str(page)]) == 2


def test_the_check_names_a_figure_that_is_not_in_its_file(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("12.3 ms<!-- answer_time.json released_ms -->\n", encoding="utf-8")
    assert pages.main(["--check", str(page)]) == 1
    assert "figure 12.3 ms" in capsys.readouterr().out
