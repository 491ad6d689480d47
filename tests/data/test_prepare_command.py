"""The command: exit codes, three-line errors, and the training guide's words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fingerspell.cli.main import door
from helpers.drawn_folder import alphabet

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
