"""The measurements of `prepare` measure what they say, on a handful of pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import contenders
import damaged_files
import jittered_hands
import measured
import prepare
import prepare_damage
import prepare_speed
from fingerspell.images import read


def test_without_a_name_every_part_is_measured(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(prepare, "run", lambda names: asked.append(tuple(names)) or 0)
    assert prepare.main([]) == 0
    assert prepare.main(["damage"]) == 0
    assert asked == [prepare.PARTS, ("damage",)]


def test_an_unknown_part_is_named(capsys) -> None:
    with pytest.raises(SystemExit):
        prepare.main(["sped"])
    assert "sped" in capsys.readouterr().err


def test_a_part_that_fails_is_not_hidden_by_the_next(monkeypatch) -> None:
    status = {"prepare_speed": 0, "prepare_damage": 1, "prepare_recall": 0}
    monkeypatch.setattr(
        prepare.importlib,
        "import_module",
        lambda name: SimpleNamespace(main=lambda argv: status[name]),
    )
    assert prepare.run(["speed", "damage", "recall"]) == 1


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory) -> Path:
    return jittered_hands.jittered_hands(tmp_path_factory.mktemp("synthetic"), 60)


def test_the_pictures_are_spread_over_29_classes_and_synthetic_once(synthetic) -> None:
    counts = [len(list(folder.iterdir())) for folder in synthetic.iterdir()]
    assert len(counts) == 29
    assert sum(counts) == 60
    assert set(counts) == {2, 3}
    before = {path: path.stat().st_mtime_ns for path in synthetic.rglob("*.jpg")}
    assert jittered_hands.jittered_hands(synthetic.parent, 60) == synthetic
    assert {path: path.stat().st_mtime_ns for path in synthetic.rglob("*.jpg")} == before


def test_frames_of_a_run_are_alike_and_not_the_same(synthetic) -> None:
    one, other = (read(synthetic / "A" / f"A{n}.jpg").astype(int) for n in (1, 2))
    assert one.shape == (200, 200, 3)
    assert 0 < np.abs(one - other).mean() < 40


@pytest.mark.parametrize("name", ["plain", "examine"])
def test_a_contender_opens_every_picture(name, synthetic) -> None:
    stages = contenders.CONTENDERS[name](synthetic)
    assert stages["pictures"] == 60
    assert stages["validate_hash_s"] > 0


def test_the_plain_loop_joins_neighbouring_frames_and_leaves_nothing_behind(synthetic) -> None:
    assert contenders.plain(synthetic)["groups"] < 60
    assert [path.name for path in synthetic.parent.iterdir() if path.is_dir()] == ["pictures"]


def row(wall_s: float, **stages: float) -> dict[str, float]:
    return {"wall_s": wall_s, "cpu_s": wall_s, "peak_bytes": 1e8, **stages}


def test_like_is_compared_with_like() -> None:
    rows = {
        "prepare": row(20),
        "examine": row(11, validate_hash_s=10),
        "plain": row(100, validate_hash_s=60, groups_s=30),
        "imagededup": row(90, validate_hash_s=50, groups_of_5000_s=3),
        "cleanvision": {"absent": "no install"},
    }
    assert prepare_speed.times_faster(rows) == {"validate_hash": 5.0, "whole": 5.0}
    shown = prepare_speed.table(
        {
            "pictures": 87_000,
            "mean_file_bytes": 9_500,
            "contenders": rows,
            "times_faster": {"validate_hash": 5.0, "whole": 5.0},
        }
    )
    assert "imagededup" in shown
    assert "cleanvision" not in shown


def test_a_run_that_failed_gives_no_figures(tmp_path) -> None:
    run = measured.measured([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log")
    assert run.returncode == 3
    with pytest.raises(SystemExit, match="3"):
        prepare_speed.checked(run)


def test_a_runs_memory_and_output_are_seen(tmp_path) -> None:
    code = "import time; x = b'1' * 150_000_000; time.sleep(0.3); print('done')"
    run = measured.measured([sys.executable, "-c", code], tmp_path / "log")
    assert run.output.split() == ["done"]
    assert 150_000_000 < run.peak_bytes < 400_000_000


def test_the_same_seed_writes_the_same_damage(tmp_path) -> None:
    count = 2 * len(damaged_files.DAMAGES)
    one, other = (damaged_files.write(tmp_path / name, count) for name in ("one", "other"))
    assert [p.read_bytes() for p, _ in one] == [p.read_bytes() for p, _ in other]
    assert {damage for _, damage in one} == set(damaged_files.DAMAGES)


def test_every_damaged_file_is_either_listed_or_decodes(tmp_path) -> None:
    figures = prepare_damage.measure(3 * len(damaged_files.DAMAGES), tmp_path / "work", vast_px=300)
    assert figures["listed"] + figures["accepted"] == figures["files"]
    assert figures["by_damage"]["empty"] == {"files": 3, "refused": 3}
    assert figures["by_damage"]["vast, but whole"] == {"files": 4, "refused": 0}
    assert prepare_damage.sound(figures)


def test_an_unlisted_file_is_told() -> None:
    good = {"crashed": False, "peak_bytes": 1, "undecodable_but_not_listed": 0,
            "decodable_but_listed": 0, "without_reason": 0, "good_listed": 0}  # fmt: skip
    assert prepare_damage.sound(good)
    for key in ("crashed", "undecodable_but_not_listed", "without_reason", "good_listed"):
        assert not prepare_damage.sound({**good, key: 1})
    assert not prepare_damage.sound({**good, "peak_bytes": 2_000_000_000})
