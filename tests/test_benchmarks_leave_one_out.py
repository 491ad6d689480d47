"""Leaving one source out really leaves it out, and a stopped study goes on."""

import json

import numpy as np
import pytest

import circumstances
import leave_one_out
import strangers_page
from fingerspell.images import encode_jpeg
from helpers.tiny_network import tiny_backbone


def test_every_source_is_left_out_once_and_read_alone():
    found = leave_one_out.trials(("a", "b"), ("c",))
    assert [(t.sources, t.read) for t in found[2:]] == [
        (("b", "c"), ("a",)),
        (("a", "c"), ("b",)),
        (("a", "b"), ("c",)),
    ]
    assert found[0].sources == ("a", "b")
    assert found[1].sources == ("a", "b", "c")
    assert found[0].read == found[1].read == leave_one_out.STRANGERS


@pytest.fixture
def data(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for name in ("one", "two", *leave_one_out.STRANGERS):
        for label in "ABC":
            (tmp_path / "data" / name / label).mkdir(parents=True)
            for number in range(12):
                rgb = rng.integers(0, 256, (40, 40, 3), np.uint8)
                path = tmp_path / "data" / name / label / f"{number}.jpg"
                path.write_bytes(encode_jpeg(rgb, 90))
    monkeypatch.setattr(circumstances, "RESULTS", tmp_path / "results")
    monkeypatch.setattr("fingerspell.model.build.build_backbone", tiny_backbone)
    return tmp_path


def test_a_study_that_ran_out_of_time_goes_on_with_what_is_left(data, monkeypatch):
    asked = [
        "--data", str(data / "data"), "--weights", "none", "--releasable", "one", "--study_only",
        "two", "--epochs", "1", "--side", "32", "--drawn", "1", "--work", str(data / "work"),
        "--batch_size", "8",
    ]  # fmt: skip
    assert leave_one_out.main([*asked, "--budget_s", "0"]) == 3
    trained = []
    whole = leave_one_out.one

    def spied(trial, config, folder):
        trained.append(trial.name)
        if len(trained) == 3:
            raise KeyboardInterrupt
        return whole(trial, config, folder)

    monkeypatch.setattr(leave_one_out, "one", spied)
    with pytest.raises(KeyboardInterrupt):
        leave_one_out.main(asked)
    assert leave_one_out.main(asked) == 0
    assert trained == ["releasable sources", "all sources", *["without one"] * 2, "without two"]
    saved = json.loads((data / "results" / "leave_one_out.json").read_text(encoding="utf-8"))
    assert [list(run["read"]) for run in saved["runs"][2:]] == [["one"], ["two"]]
    assert "| without two | 1 |" in strangers_page.strangers()
