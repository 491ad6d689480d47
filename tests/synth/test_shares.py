"""Several processes draw what one would, and an error is raised as if there were one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fingerspell.errors import DataError
from fingerspell.synth import SynthConfig, dataset, write_dataset
from fingerspell.synth.dataset import _LEAST_APART, _done_by_all, _Share, _shares

THREE = [_Share(number, 3) for number in range(3)]


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def note(share: _Share, folder: str, home: int) -> None:
    """Works in the process `home` alone."""
    if os.getpid() != home:
        raise OSError("no room")
    Path(folder, str(share.number)).touch()


def test_three_processes_write_the_bytes_that_one_writes(tmp_path, monkeypatch):
    asked = {"per_class": 2, "size_px": (48, 48), "labels": ("A", "nothing")}
    one = write_dataset(tmp_path / "one", **asked)
    here = []
    whole = dataset.draw
    monkeypatch.setattr(dataset, "_shares", lambda _: THREE)
    monkeypatch.setattr(dataset, "draw", lambda *a: (here.append(a), whole(*a))[1])
    three = write_dataset(tmp_path / "three", **asked)
    assert contents(three) == contents(one)
    assert len(here) == 2, "this process draws its share of the four and no more"


def test_every_piece_belongs_to_one_share():
    assert [sum(share.takes(piece) for share in THREE) for piece in range(7)] == [1] * 7


def test_few_pictures_are_synthetic_here_and_many_on_every_core(monkeypatch):
    monkeypatch.setattr("fingerspell.synth.dataset.usable_cores", lambda: 3)
    assert _shares(_LEAST_APART - 1) == [_Share(0, 1)]
    assert _shares(_LEAST_APART) == THREE


def test_a_share_that_fails_elsewhere_is_done_here(tmp_path):
    _done_by_all(note, THREE, str(tmp_path), os.getpid())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0", "1", "2"]


def test_what_is_wrong_is_said_as_by_one_process_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "_shares", lambda _: THREE)
    (tmp_path / "empty").mkdir()
    config = SynthConfig(backgrounds_dir=tmp_path / "empty", backgrounds_share=1)
    with pytest.raises(DataError, match="no pictures"):
        write_dataset(tmp_path / "synthetic", 1, labels=("A", "B", "C"), config=config)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
