"""Every saved measurement names its circumstances, and the documentation says what they say."""

import json
from pathlib import Path

import pytest

from benchmarks import circumstances, pages
from benchmarks.figures import bare_figures, wrong_figures
from benchmarks.release import main_job, model_card

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
