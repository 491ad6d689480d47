"""The measurements of `prepare` measure what they say, on a handful of pictures."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.measured import answer_of, measured
from benchmarks.prepare import contenders, damage, hands, recall, search, speed
from fingerspell.images import read
from fingerspell.prepare.examine import Picture
from fingerspell.prepare.records import Record


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory) -> Path:
    return hands.jittered_hands(tmp_path_factory.mktemp("synthetic"), 60)


def test_the_pictures_are_spread_over_29_classes_and_synthetic_once(synthetic):
    counts = [len(list(folder.iterdir())) for folder in synthetic.iterdir()]
    assert len(counts) == 29 and sum(counts) == 60 and set(counts) == {2, 3}
    before = {path: path.stat().st_mtime_ns for path in synthetic.rglob("*.jpg")}
    assert hands.jittered_hands(synthetic.parent, 60) == synthetic
    assert {path: path.stat().st_mtime_ns for path in synthetic.rglob("*.jpg")} == before
    one, other = (read(synthetic / "A" / f"A{n}.jpg").astype(int) for n in (1, 2))
    assert one.shape == (200, 200, 3)
    assert 0 < np.abs(one - other).mean() < 40, "frames of a run are alike and not the same"


@pytest.mark.parametrize("name", ["plain", "examine"])
def test_a_contender_opens_every_picture(name, synthetic):
    stages = contenders.CONTENDERS[name](synthetic)
    assert stages["pictures"] == 60
    assert stages["validate_hash_s"] > 0
    assert stages.get("groups", 0) < 60
    assert [path.name for path in synthetic.parent.iterdir() if path.is_dir()] == ["pictures"]


def row(wall_s: float, **stages: float) -> dict[str, float]:
    return {"wall_s": wall_s, "cpu_s": wall_s, "peak_bytes": 1e8, **stages}


def test_like_is_compared_with_like():
    rows = {
        "prepare": row(20),
        "examine": row(11, validate_hash_s=10),
        "plain": row(100, validate_hash_s=60, groups_s=30),
        "imagededup": {"absent": "no install"},
    }
    assert speed.times_faster(rows) == {"validate_hash": 6.0, "whole": 5.0}
    rows["imagededup"] = row(90, validate_hash_s=50, groups_of_5000_s=3)
    assert speed.times_faster(rows) == {"validate_hash": 5.0, "whole": 5.0}


def test_a_runs_memory_and_output_are_seen_and_one_that_failed_gives_no_figures(tmp_path):
    code = "import time; x = b'1' * 150_000_000; time.sleep(0.3); print('done')"
    run = measured([sys.executable, "-c", code], tmp_path / "log")
    assert run.output.split() == ["done"]
    assert 150_000_000 < run.peak_bytes < 400_000_000
    run = measured([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log")
    with pytest.raises(SystemExit, match="3"):
        speed.costs(run)


def test_the_last_line_of_a_program_is_its_answer(tmp_path):
    script = tmp_path / "child.py"
    text = "print('chatter'); print(json.dumps([sys.argv[1], os.environ['X']]))"
    script.write_text(f"import json, os, sys\n{text}", encoding="utf-8")
    assert answer_of(str(script), "a", environment={"X": "b"}) == ["a", "b"]


def test_damage_is_the_same_of_one_seed_and_every_file_is_either_listed_or_decodes(tmp_path):
    count = len(damage.DAMAGES)
    one, other = (damage.write_damaged(tmp_path / name, count) for name in ("one", "other"))
    assert [p.read_bytes() for p, _ in one] == [p.read_bytes() for p, _ in other]
    assert {how for _, how in one} == set(damage.DAMAGES)
    figures = damage.measure(3 * count, tmp_path / "work", vast_px=300)
    assert figures["listed"] + figures["accepted"] == figures["files"]
    assert figures["by_damage"]["empty"] == {"files": 3, "refused": 3}
    assert figures["by_damage"]["vast, but whole"] == {"files": 4, "refused": 0}
    assert damage.sound(figures)


def test_an_unlisted_file_is_told():
    good = {"crashed": False, "peak_bytes": 1, "undecodable_but_not_listed": 0,
            "decodable_but_listed": 0, "without_reason": 0, "good_listed": 0}  # fmt: skip
    assert damage.sound(good)
    for key in ("crashed", "undecodable_but_not_listed", "without_reason", "good_listed"):
        assert not damage.sound({**good, key: 1})
    assert not damage.sound({**good, "peak_bytes": 2_000_000_000})


def test_neighbours_share_a_group_and_other_runs_do_not():
    rng = np.random.default_rng(0)
    starts = [int.from_bytes(rng.bytes(16)) for _ in range(2)]
    pictures = [
        Picture(
            Record(Path("x") / f"A{n}.jpg", "A", "films", 1, 1), str(n),
            f"{starts[n // recall.RUN] ^ (1 << n % 2):032x}", 160, 120,
        )
        for n in range(2 * recall.RUN)
    ]  # fmt: skip
    found = recall.figures(recall.runs(pictures), near_bits=18)
    assert found["neighbours"] == 1.0 and found["merged"] == 0 and found["pairs"] == 1
    assert found["groups"]["all"] == 2 and found["pictures"] == 48
    other = recall.renamed(recall.runs(pictures), recall.RENAMED["nameless"])
    assert not any(
        c.isdigit() for p in other.pictures for c in p.file.path.name if c not in "abcdef"
    )


def test_the_search_is_held_against_every_pair():
    figures = search.measure(2_000, exact=True)
    assert figures["hashes"] == 2_000 and 0 < figures["groups"] < 2_000
    assert figures["tables"]["joined_pairs"] > 0.99
    assert figures["tables"]["groups"] >= figures["tables"]["true_groups"] > 0
    assert json.loads(json.dumps(figures)) == figures
