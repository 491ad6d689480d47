"""The command: exit codes, three-line errors, and the training guide's words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fingerspell.cli.main import door
from helpers.synthetic_folder import alphabet, write_runs

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_guides_command_prepares_and_prints_a_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alphabet(tmp_path / "in")
    call = ["--input_dir", str(tmp_path / "in"), "--output_dir", str(tmp_path / "dataset")]
    assert door("prepare", call) == 0
    out = capsys.readouterr().out
    assert "40 pictures, 2 classes, 10 groups" in out
    assert "a random split would leak" in out
    assert (tmp_path / "dataset" / "train" / "A").is_dir()
    assert door("prepare", call) == 0
    assert "left untouched" in capsys.readouterr().out


def test_several_folders_may_follow_one_option_or_several(tmp_path: Path) -> None:
    folders = [str(alphabet(tmp_path / name)) for name in ("a", "b", "c")]
    call = ["--input_dir", folders[0], folders[1], "--input_dir", folders[2]]
    assert door("prepare", [*call, "--output_dir", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out").rglob("*.jpg"))) == 120


def test_a_mistake_is_three_lines_and_exit_code_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert door("prepare", ["--input_dir", str(tmp_path / "gone")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("error: no folder")
    assert lines[1].startswith("  expected: ")
    assert lines[2].startswith("  to fix: ")


def test_shares_that_do_not_add_up_are_exit_code_two(tmp_path: Path) -> None:
    assert door("prepare", ["--input_dir", str(tmp_path), "--train", "0.9"]) == 2


def test_the_door_stands_in_backend_and_its_help_is_quick() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "backend/prepare_dataset.py", "--help"],
        cwd=REPOSITORY, capture_output=True, text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert "--input_dir" in done.stdout
    for heavy in ("cv2", "numpy", "grain", "tensorflow"):
        assert f"| {heavy}\n" not in done.stderr.replace("  ", " ")


def test_every_option_reaches_the_report(tmp_path: Path) -> None:
    for number, name in enumerate("ab"):
        for label in "AB":
            write_runs(tmp_path / name, label, range(900 * number + ord(label), 99999, 5000))
    table = tmp_path / "groups.csv"
    table.write_text("path,group\na/A/A0.jpg,anna\n", encoding="utf-8")
    call = ["--input_dir", str(tmp_path / "a"), str(tmp_path / "b"), "--resplit"]
    call += ["--holdout_source", "b", "--max_bad", "0.2", "--near_bits", "9", "--seed", "7"]
    call += ["--train", "0.6", "--val", "0.2", "--test", "0.2"]

    def report_of(*options: str) -> dict[str, Any]:
        output = tmp_path / f"out{len(options[0])}"
        assert door("prepare", [*call, *options, "--output_dir", str(output)]) == 0
        report: dict[str, Any] = json.loads((output / "report.json").read_text(encoding="utf-8"))
        return report

    named = report_of("--groups", str(table))
    config = named["config"]
    assert config["resplit"] is True
    assert config["groups_csv"] == str(table.resolve())
    assert config["holdout_sources"] == named["held_out"] == ["b"]
    assert (config["near_bits"], config["seed"], config["max_bad_share"]) == (9, 7, 0.2)
    assert config["shares"] == [0.6, 0.2, 0.2]
    by_file = report_of("--group_by", r"(.+)\.jpg")
    assert by_file["config"]["group_by"] == r"(.+)\.jpg"
    assert by_file["groups"] == by_file["pictures"] == 160
