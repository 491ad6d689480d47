"""A folder of synthetic pictures: complete, repeatable, with its truth, drawn by many processes."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from fingerspell.cli.main import door
from fingerspell.errors import DataError
from fingerspell.images import encode_jpeg
from fingerspell.synth import SynthConfig, dataset, draw, write_dataset
from fingerspell.synth.dataset import _LEAST_APART, _done_by_all, _runs, _Share, _shares, unpack

LABELS = ("A", "nothing", "space")
THREE = [_Share(number, 3) for number in range(3)]


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def written(folder, per_class=1, **changes):
    return write_dataset(folder, per_class, **{"size_px": (48, 48), "labels": LABELS, **changes})


def test_every_class_gets_its_pictures_and_every_picture_its_truth(tmp_path):
    folder = written(tmp_path / "synthetic", 2, size_px=(48, 64))
    lines = (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    truth = {entry["path"]: entry for entry in map(json.loads, lines)}
    files = {name for name in contents(folder) if name.endswith(".jpg")}
    assert set(truth) == files and len(files) == 6
    entry = truth["A/synthetic-A-000000000.jpg"]
    assert len(entry["landmarks"]) == 21
    mask = unpack(entry["mask"], tuple(entry["size"]))
    assert mask.any() and np.array_equal(mask, draw("A", 0, (48, 64)).mask)


@pytest.mark.parametrize("rows", [[[0, 0]], [[1, 1]], [[0, 1]], [[1, 0]], [[1, 0], [0, 1]]])
def test_a_mask_comes_back_from_its_runs(rows):
    mask = np.array(rows, bool)
    assert np.array_equal(unpack(_runs(mask), mask.shape), mask)


def test_the_same_seed_writes_the_same_bytes_and_another_seed_other_names(tmp_path):
    one, two = (written(tmp_path / name, 2, seed=5) for name in ("one", "two"))
    assert contents(one) == contents(two)
    other = written(tmp_path / "other", seed=1)
    assert not set(contents(one / "A")) & set(contents(other / "A"))


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(DataError, match="not empty"):
        write_dataset(tmp_path, 1)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_an_interrupted_run_leaves_nothing_behind(tmp_path, monkeypatch):
    def stop(_synthetic):
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "encode", stop)
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path / "synthetic")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_photographs_can_be_the_background(tmp_path):
    red = np.zeros((40, 60, 3), np.uint8)
    red[..., 0] = 255
    (tmp_path / "red.jpg").write_bytes(encode_jpeg(red))
    config = SynthConfig(backgrounds_dir=tmp_path, backgrounds_share=1)
    synthetic = [draw("A", seed, (64, 64), config) for seed in range(6)]
    reds = [d.rgb[~d.mask].astype(int) for d in synthetic]
    assert np.median([r[:, 0].mean() - r[:, 1:].mean() for r in reds]) > 60


def note(share: _Share, folder: str, home: int) -> None:
    """Works in the process `home` alone."""
    if os.getpid() != home:
        raise OSError("no room")
    Path(folder, str(share.number)).touch()


def test_three_processes_write_the_bytes_that_one_writes(tmp_path, monkeypatch):
    one = written(tmp_path / "one", 2, labels=LABELS[:2])
    here = []
    whole = dataset.draw
    monkeypatch.setattr(dataset, "_shares", lambda _: THREE)
    monkeypatch.setattr(dataset, "draw", lambda *a: (here.append(a), whole(*a))[1])
    three = written(tmp_path / "three", 2, labels=LABELS[:2])
    assert contents(three) == contents(one)
    assert len(here) == 2, "this process draws its share of the four and no more"


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
        written(tmp_path / "synthetic", config=config)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_the_command_writes_class_folders(tmp_path, capsys):
    folder = tmp_path / "synthetic"
    words = ["dataset", "--per_class", "1", "-o", str(folder), "--size", "48", "--labels", "A", "B"]
    assert door("synth", words) == 0
    assert sorted(p.name for p in folder.iterdir()) == ["A", "B", "truth.jsonl"]
    assert "2 pictures of 2 classes" in capsys.readouterr().out


def test_the_command_writes_a_truth_beside_a_film(tmp_path):
    path = tmp_path / "i.y4m"
    words = ["video", "I", "-o", str(path), "--fps", "5", "--size", "48", "64", "--hold_s", "0.2"]
    assert door("synth", words) == 0
    truth = json.loads((tmp_path / "i.json").read_text(encoding="utf-8"))
    assert truth["word"] == "I" and truth["fps"] == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dataset", "--per_class", "0"], "per_class=0"),
        (["dataset", "--per_class", "1000000"], "per_class=1000000"),
        (["dataset", "--labels", "A", "Ä"], "'Ä'"),
        (["dataset", "--size", "8"], "8"),
        (["video", "A-B"], "-"),
        (["video", "A", "--fps", "0"], "0"),
        (["video", "A", "--fps", "1000"], "1000"),
    ],
)
def test_mistakes_end_with_two_and_say_how_to_mend_them(tmp_path, capsys, words, said):
    place = tmp_path / ("x.mp4" if words[0] == "video" else "x")
    assert door("synth", [*words, "-o", str(place)]) == 2
    error = capsys.readouterr().err
    assert said in error and "to fix:" in error
    assert list(tmp_path.iterdir()) == []
