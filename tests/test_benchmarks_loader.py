"""The loader's benchmark measures what it says, on pictures that it makes itself."""

import json
import time

import numpy as np
import pytest

import circumstances
import loader
from fingerspell.images import encode_jpeg


def test_rates_are_things_a_second_of_the_best_and_the_middle_run():
    naps = iter([0.05, 0.01, 0.03])
    row = loader.rates(lambda: time.sleep(next(naps)), 10, 3)
    assert 600 < row["wall_best"] <= 1000
    assert 200 < row["wall_median"] <= 334
    assert row["cpu_best"] > row["wall_best"]


def test_a_folder_with_too_few_pictures_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="too few"):
        loader.manifest_of(tmp_path)


def test_every_step_and_the_stream_are_measured_and_saved(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(loader, "BATCHES", 1)
    monkeypatch.setattr(loader, "CALLS", 2)
    monkeypatch.setattr(circumstances, "RESULTS", tmp_path / "results")
    rng = np.random.default_rng(0)
    (tmp_path / "data" / "A").mkdir(parents=True)
    for number in range(loader.BATCH_SIZE):
        rgb = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
        (tmp_path / "data" / "A" / f"{number}.jpg").write_bytes(encode_jpeg(rgb, 90))
    loader.main(["--data", str(tmp_path / "data"), "--repeats", "1", "--no_step"])
    saved = json.loads((tmp_path / "results" / "loader.json").read_text(encoding="utf-8"))
    assert saved["pictures"] == loader.BATCH_SIZE
    assert saved["command"].startswith("python benchmarks/loader.py --data")
    rows = {**saved["steps"], **saved["stream"]}
    assert {"decode", "warp", "augment, usual", "one core, 1 thread"} <= rows.keys()
    assert all(row["cpu_best"] > 0 for row in rows.values())
    assert "augment, strong" in capsys.readouterr().out
