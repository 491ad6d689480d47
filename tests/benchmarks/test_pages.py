"""Blocks and figures of pages are those of their files, which say how they were made."""

import json
from pathlib import Path

import pytest

from benchmarks import circumstances, pages
from benchmarks.figures import bare_figures, wrong_figures
from benchmarks.release import main_job, model_card
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
    page.write_text("12.3 ms<!-- answer_time.json released_ms -->\n", encoding="utf-8")
    assert pages.main(["--check", str(page)]) == 1
    assert "figure 12.3 ms" in capsys.readouterr().out


FIGURES = {
    "share": 0.8937, "times": {"fast_ms": 13.24, "slow_s": 0.75, "a.b, 0.5": 7},
    "rows": [{"rate": 1985.4}, {"peak_bytes": 946_000_000}], "met": True,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "made.json").write_text(json.dumps(FIGURES), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "89.4 %<!-- made.json share -->",
        "**89 %**<!-- made.json share --> of them",
        "0.894<!-- made.json share -->",
        "13.2 ms<!-- made.json times.fast_ms -->",
        "750 ms<!-- made.json times.slow_s -->",
        "7<!-- made.json times.a.b, 0.5 -->",
        "1,985 pictures/s<!-- made.json rows.0.rate -->",
        "946 MB<!-- made.json rows.1.peak_bytes --> and 0.9 GB<!-- made.json rows.1.peak_bytes -->",
        "```\n12 %<!-- made.json share -->\n```",
    ],
)
def test_a_figure_as_it_was_measured_passes(folder, text):
    assert wrong_figures(text, [folder]) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("89.3 %<!-- made.json share -->", "the file says 0.8937"),
        ("90 %<!-- made.json share -->", "the file says"),
        ("0.75 ms<!-- made.json times.slow_s -->", "the file says"),
        ("1 %<!-- other.json share -->", "no such file"),
        ("1 %<!-- made.json shares -->", "no such path"),
        ("1 %<!-- made.json rows.2.rate -->", "no such path"),
        ("1 %<!-- made.json share.more -->", "no such path"),
        ("1 %<!-- made.json rows.x -->", "no such path"),
        ("1<!-- made.json rows -->", "no number there"),
        ("1<!-- made.json met -->", "no number there"),
        ("nothing before it <!-- made.json share -->", "1 comments stand behind no number"),
    ],
)
def test_a_figure_that_does_not_hold_is_told(folder, text, told):
    (line,) = wrong_figures(text, [folder])
    assert told in line


def test_a_figure_without_comment_or_block_is_told():
    text = """Reads 89.4 % of them, **12 ms**, 5 MB, 235 pictures/s.
Reads **89.4 %**<!-- made.json share --> and 89.4 %<!-- made.json share -->.

<!-- begin table -->
| 77 % |
<!-- end -->

`--threshold 90 %` and

```
A 97 %
```
"""
    assert [line.partition(":")[0] for line in bare_figures(text)] == [
        "89.4 %", "12 ms**", "5 MB", "235 pictures/s",
    ]  # fmt: skip
    assert bare_figures(text, {"Reads 89.4 %": "a sample"}) == []


ROOT = Path(__file__).resolve().parents[2]
SAVED = sorted(circumstances.RESULTS.glob("*.json"))
FROZEN = sorted((ROOT / "docs" / "studies" / "data").glob("*.json"))
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
QUOTING = [ROOT / "README.md", ROOT / "docs/results.md", *ROOT.glob("docs/unseen_signers*.md")]
ALLOWED: dict[str, str] = {
    "≥ ": "an aim, not a measurement",
    "≤ ": "an aim, not a measurement",
    "--coverage": "a value that the user chooses",
}
"""A piece of a line: why its figures carry no comment."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def measured(path: Path):
    """Returns a saved measurement, and the commands that made it."""
    result = json.loads(path.read_text(encoding="utf-8"))
    return result, [result["command"]] if "command" in result else result["commands"]


@pytest.mark.parametrize("path", [*SAVED, *FROZEN], ids=name_of)
def test_every_measurement_names_its_circumstances(path):
    result, commands = measured(path)
    known = ("python benchmarks/", "python backend/")
    assert commands and all(command.startswith(known) for command in commands)
    assert result["commit"] and "+" not in result["commit"], "code that was not committed"
    assert "python" in result["versions"] and result["machine"]["processor"]


def test_every_living_measurement_and_every_program_stands_in_the_index():
    index = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for path in SAVED:
        assert all((ROOT / command.split()[1]).is_file() for command in measured(path)[1])
        assert f"`{path.name}`" in index, "benchmarks/README.md does not list it"
    for path in (ROOT / "benchmarks").rglob("*.py"):
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8"):
            assert path.relative_to(ROOT / "benchmarks").as_posix() in index


def test_every_road_was_measured():
    for name in main_job.JOBS:
        result, _ = measured(circumstances.RESULTS / f"main_job_{name}.json")
        assert all(proof["pictures"] >= 200 for proof in result["parity"].values())
    assert len(main_job.JOBS) == len([x for x in SAVED if x.stem.startswith("main_job_")])


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_block_and_every_figure_of_a_page_is_what_was_measured(path):
    text = path.read_text(encoding="utf-8")
    assert pages.written(text)[1] == []
    assert wrong_figures(text) == []


@pytest.mark.parametrize("path", QUOTING, ids=name_of)
def test_no_figure_stands_without_its_source(path):
    assert bare_figures(path.read_text(encoding="utf-8"), ALLOWED) == []


def test_the_released_card_is_what_was_measured_and_says_when_it_was_calibrated_again():
    card = (model_card.STARTER / "model_card.md").read_text(encoding="utf-8")
    assert card == model_card.released_card()
    told = model_card.calibrated("somewhere; calibrated anew 2026-11-29, commit abc")
    assert told == ";\ncalibrated anew 2026-11-29, commit abc"
    assert model_card.calibrated("somewhere; the mean of two") == ""
