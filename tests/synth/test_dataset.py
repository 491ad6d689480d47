"""A folder of synthetic pictures: complete, repeatable, with its truth."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fingerspell.errors import ConfigError, DataError
from fingerspell.synth import dataset, draw, write_dataset
from fingerspell.synth.dataset import _runs, unpack

LABELS = ("A", "nothing", "space")


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def test_every_class_gets_its_pictures_and_every_picture_its_truth(tmp_path):
    folder = write_dataset(tmp_path / "synthetic", 2, size_px=(48, 48), labels=LABELS)
    lines = (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    truth = {entry["path"]: entry for entry in map(json.loads, lines)}
    files = {name for name in contents(folder) if name.endswith(".jpg")}
    assert set(truth) == files and len(files) == 6
    assert len(truth["A/synthetic-A-000000000.jpg"]["landmarks"]) == 21


def test_the_mask_comes_back_from_its_runs():
    synthetic = draw("A", 0, (48, 64))
    assert synthetic.mask.any() and np.array_equal(
        unpack(_runs(synthetic.mask), (48, 64)), synthetic.mask
    )
    for rows in ([[0, 0]], [[1, 1]], [[0, 1]], [[1, 0]], [[1, 0], [0, 1]]):
        mask = np.array(rows, bool)
        assert np.array_equal(unpack(_runs(mask), mask.shape), mask)


def test_the_truth_holds_the_mask(tmp_path):
    folder = write_dataset(tmp_path / "synthetic", 1, size_px=(48, 64), labels=("A",))
    entry = json.loads((folder / "truth.jsonl").read_text(encoding="utf-8"))
    mask = unpack(entry["mask"], tuple(entry["size"]))
    assert np.array_equal(mask, draw("A", 0, (48, 64)).mask)


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    one = write_dataset(tmp_path / "one", 2, seed=5, size_px=(48, 48), labels=LABELS)
    two = write_dataset(tmp_path / "two", 2, seed=5, size_px=(48, 48), labels=LABELS)
    assert contents(one) == contents(two)


def test_another_seed_writes_other_names(tmp_path):
    one = write_dataset(tmp_path / "one", 1, seed=0, size_px=(48, 48), labels=("A",))
    two = write_dataset(tmp_path / "two", 1, seed=1, size_px=(48, 48), labels=("A",))
    assert not set(contents(one / "A")) & set(contents(two / "A"))


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
        write_dataset(tmp_path / "synthetic", 1, size_px=(48, 48), labels=("A",))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("per_class", [0, -3, 1_000_000])
def test_an_impossible_number_of_pictures_is_refused(tmp_path, per_class):
    with pytest.raises(DataError, match="per_class"):
        write_dataset(tmp_path / "synthetic", per_class)


def test_an_unknown_label_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigError, match="'hello'"):
        write_dataset(tmp_path / "synthetic", 1, labels=("A", "hello"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_backgrounds_without_pictures_is_refused(tmp_path):
    from fingerspell.synth import SynthConfig

    config = SynthConfig(backgrounds_dir=tmp_path, backgrounds_share=1)
    with pytest.raises(DataError, match="no pictures"):
        write_dataset(tmp_path / "synthetic", 1, labels=("A",), config=config)
