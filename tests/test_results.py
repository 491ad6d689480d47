"""docs/results.md says what the saved measurements say, and nothing else."""

import json
from pathlib import Path

import pytest

import main_job
import pages
import starter_card
from page_parts import found

ROOT = Path(__file__).resolve().parents[1]
SAVED = sorted((ROOT / "benchmarks" / "results").glob("main_job_*.json"))
STUDIED = sorted(
    path
    for pattern in (
        "prepare_*.json",
        "synthetic_hands_*.json",
        "synth_*.json",
        "time_to_quality.json",
        "levers.json",
        "loader.json",
        "processor.json",
        "gpu_*.json",
        "unseen signers*.json",
        "ends_of*_card.json",
        "letters_left_out.json",
        "adapt*.json",
        "new_sign*.json",
        "other_views.json",
        "other_temperatures.json",
        "other_means.json",
        "answer_time.json",
        "own_test.json",
        "left_out*.json",
        "tracker_letters.json",
        "short_levers*.json",
        "last_layer.json",
        "going_on.json",
    )
    for path in (ROOT / "benchmarks" / "results").glob(pattern)
)


def test_every_road_was_measured():
    assert [path.stem for path in SAVED] == sorted(f"main_job_{name}" for name in main_job.JOBS)


def test_the_page_is_what_the_measurements_give():
    assert main_job.PAGE.read_text(encoding="utf-8") == main_job.page(main_job.read_results())


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_every_measurement_names_its_circumstances(path):
    result = json.loads(path.read_text(encoding="utf-8"))
    assert result["commit"]
    assert not result["commit"].endswith("+"), "measured on code that was not committed"
    assert {"keras", "tensorflow-cpu", "python"} <= set(result["versions"])
    assert all(command.startswith("python backend/") for command in result["commands"])
    assert all(proof["pictures"] >= 200 for proof in result["parity"].values())


def test_an_unknown_share_is_a_dash_and_not_a_zero():
    assert main_job.percent(None) == "–"
    assert main_job.percent(0.0) == "0.0 %"


@pytest.mark.parametrize("name", pages.PAGES)
def test_every_study_is_what_its_measurements_give(name):
    assert (pages.STUDIES / name).read_text(encoding="utf-8") == pages.PAGES[name]()


@pytest.mark.skipif(found("unseen_signers") is None, reason="no recogniser has been measured yet")
def test_the_released_card_is_what_was_measured():
    told = starter_card.card(found("unseen_signers"), starter_card.contract_of())
    assert (starter_card.STARTER / "model_card.md").read_text(encoding="utf-8") == told


def test_the_card_says_when_the_weights_were_calibrated_anew():
    told = starter_card.calibrated("somewhere; calibrated anew 2026-11-29, commit abc")
    assert told.startswith(";\ncalibrated anew 2026-11-29, commit abc (")
    assert starter_card.calibrated("somewhere; the mean of two") == ""


@pytest.mark.parametrize("path", STUDIED, ids=lambda path: path.stem)
def test_every_study_names_its_circumstances(path):
    result = json.loads(path.read_text(encoding="utf-8"))
    assert result["command"].startswith("python benchmarks/")
    assert result["commit"]
    assert not result["commit"].endswith("+"), "measured on code that was not committed"
    assert "python" in result["versions"]
