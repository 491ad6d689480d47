"""prepare end to end on synthetic pictures: what it writes, refuses, leaves alone; and killed."""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from fingerspell import files
from fingerspell.config import PrepareConfig
from fingerspell.dataset.manifest import OLD_HELD_OUT, read_manifest, verify
from fingerspell.errors import ConfigError, DataError
from fingerspell.prepare.prepare import prepare
from fingerspell.prepare.summary import summary
from helpers.killed import SOURCE
from helpers.synthetic_folder import alphabet, write_runs


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        p.relative_to(folder).as_posix(): (p.stat().st_mtime_ns, p.read_bytes())
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def rows(config: PrepareConfig) -> list[dict[str, str]]:
    with (config.output_dir / "manifest.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_runs_stay_whole_and_every_split_is_filled(config: PrepareConfig) -> None:
    report = prepare(config).report
    assert report["groups"] == 10
    assert report["classes"]["A"] == {"train": 12, "val": 4, "test": 4, "groups": 5}
    homes = {(row["group"], row["split"]) for row in rows(config)}
    assert len(homes) == 10
    this, random = report["leak"]["this_split"], report["leak"]["random_split"]
    assert this["crossing_pairs"] == this["test_pictures_with_twin_in_train"] == 0
    assert random["crossing_pairs"] > 0


def test_the_manifest_names_every_file_and_its_picture(config: PrepareConfig) -> None:
    config.output_dir.mkdir()  # An empty folder is welcome.
    report = prepare(config).report
    listed = {row["path"] for row in rows(config)}
    assert listed == {p for p in tree(config.output_dir) if p.endswith(".jpg")}
    first = rows(config)[0]
    assert (first["width"], first["height"], first["source"]) == ("48", "48", "hands")
    assert len(first["sha256"]) == 64
    manifest = read_manifest(config.output_dir)
    assert manifest.labels == ("A", "B")
    assert Counter(s.split for s in manifest.samples) == {"train": 24, "val": 8, "test": 8}
    assert b"\r" not in (config.output_dir / "manifest.csv").read_bytes()
    assert manifest.sha256 == report["manifest_sha256"]
    written = (config.output_dir / "report.json").read_text(encoding="utf-8")
    assert json.loads(written) == report


def test_files_are_linked_or_else_copied_anew_and_the_input_is_never_touched(
    config: PrepareConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(config.input_dirs[0])
    linked = prepare(config).report
    assert linked["linked"] + linked["copied"] == 40
    picture = config.output_dir / rows(config)[0]["path"]
    picture.unlink()
    picture.write_bytes(b"somebody else's")

    def refuse(*_: object) -> None:
        raise OSError("another device")

    monkeypatch.setattr(os, "link", refuse)
    again = prepare(replace(config, overwrite=True))
    assert not again.untouched, "though nothing changed but a picture's bytes"
    assert (again.report["linked"], again.report["copied"]) == (0, 40)
    assert picture.read_bytes() != b"somebody else's"
    assert tree(config.input_dirs[0]) == before


def test_the_same_seed_gives_the_same_manifest_and_another_does_not(config: PrepareConfig) -> None:
    manifests = []
    for number, seed in enumerate((1, 1, 2)):
        prepare(replace(config, output_dir=config.output_dir / str(number), seed=seed))
        manifests.append(read_manifest(config.output_dir / str(number)).sha256)
    assert manifests[0] == manifests[1] != manifests[2]


def test_a_second_run_leaves_the_data_set_untouched_however_the_folder_is_written(
    config: PrepareConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(config)
    before = tree(config.output_dir)
    monkeypatch.setattr("fingerspell.prepare.prepare.examine", None)
    monkeypatch.chdir(config.input_dirs[0].parent)
    for again in (config, replace(config, input_dirs=(Path("hands"),))):
        second = prepare(again)
        assert second.untouched
        assert second.report == first.report
    assert tree(config.output_dir) == before


@pytest.mark.parametrize("name", ["notes.txt", "output"])
def test_what_others_put_into_the_folder_is_not_thrown_away(
    config: PrepareConfig, name: str
) -> None:
    (config.output_dir / name).mkdir(parents=True)
    with pytest.raises(DataError, match="is not a data set"):
        prepare(replace(config, overwrite=True))
    (config.output_dir / name).rmdir()
    prepare(config)
    (config.output_dir / name).mkdir()
    with pytest.raises(DataError, match=f"holds more than a data set: {name}"):
        prepare(replace(config, overwrite=True))
    assert (config.output_dir / name).exists()


def test_a_folder_that_may_not_be_written_or_read_is_said_before_the_work(
    config: PrepareConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("fingerspell.prepare.prepare.examine", None)
    blocker = config.output_dir.parent / "a file"
    blocker.write_bytes(b"")
    with pytest.raises(DataError, match="cannot write"):
        prepare(replace(config, output_dir=blocker / "dataset"))
    with pytest.raises(DataError, match="is a file"):
        prepare(replace(config, output_dir=blocker))
    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(DataError, match="Permission denied"):
        prepare(config)


@pytest.mark.parametrize(
    ("change", "held"),
    [
        ("seed", "other pictures or settings"),
        ("new file", "other pictures or settings"),
        ("changed file", "other pictures or settings"),
        ("earlier version", "another version"),
        ("lost picture", "a damaged data set"),
        ("report.html", "a damaged data set"),
        ("data_card.md", "a damaged data set"),
    ],
)
def test_anything_else_needs_overwrite(config: PrepareConfig, change: str, held: str) -> None:
    report = prepare(config).report
    old = config.output_dir / OLD_HELD_OUT
    if change == "seed":
        config = replace(config, seed=7)
    elif change == "new file":
        write_runs(config.input_dirs[0], "A", [77, 78, 79, 80, 81, 82], 1)
    elif change == "changed file":
        os.utime(config.input_dirs[0] / "A" / "A0.jpg", ns=(1, 1))
    elif change == "earlier version":
        (old / "ann" / "A").mkdir(parents=True)
        text = json.dumps({**report, "format": 2})
        (config.output_dir / "report.json").write_text(text, encoding="utf-8")
    else:
        lost = rows(config)[0]["path"] if change == "lost picture" else change
        (config.output_dir / lost).unlink()
    before = tree(config.output_dir)
    with pytest.raises(DataError, match=held) as error:
        prepare(config)
    assert "--overwrite" in error.value.fix
    assert tree(config.output_dir) == before
    assert not prepare(replace(config, overwrite=True)).untouched
    assert not old.exists()


def test_output_and_input_must_lie_apart(config: PrepareConfig) -> None:
    hands = config.input_dirs[0]
    for output in (hands, hands / "dataset", hands.parent):
        with pytest.raises(DataError, match="inside one another"):
            prepare(replace(config, output_dir=output))


def test_a_full_disk_leaves_the_old_set_in_place_and_what_a_killed_run_left_is_put_right(
    config: PrepareConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(config)
    before = tree(config.output_dir)

    def full(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fingerspell.prepare.prepare.link_or_copy", full)
    with pytest.raises(DataError, match="No space left"):
        prepare(replace(config, seed=3, overwrite=True))
    assert tree(config.output_dir) == before
    assert {p.name for p in config.output_dir.parent.iterdir()} == {"hands", "dataset"}
    config.output_dir.rename(files.previous_of(config.output_dir))
    (config.output_dir.parent / ".dataset.partial").mkdir()
    assert prepare(config).untouched
    assert {p.name for p in config.output_dir.parent.iterdir()} == {"hands", "dataset"}


def test_bad_files_are_listed_and_left_out_and_too_many_stop_it_with_nothing_written(
    config: PrepareConfig,
) -> None:
    folder = config.input_dirs[0] / "A"
    (folder / "A0.jpg").rename(folder / "A0.png")  # A wrong extension is no obstacle.
    (folder / "A9000.jpg").write_bytes(b"")
    (folder / "A9001.jpg").write_bytes(b"this is no picture")
    write_runs(config.input_dirs[0], " ", [1], frames=1)
    with pytest.raises(DataError, match="3 of 43 files are bad"):
        prepare(config)
    assert not config.output_dir.exists()
    report = prepare(replace(config, max_bad_share=0.1)).report
    assert [(Path(b["path"]).name, b["reason"]) for b in report["bad"]] == [
        (" ", "a class folder without a name"),
        ("A9000.jpg", "an empty file (0 bytes)"),
        ("A9001.jpg", "18 bytes that are no picture"),
    ]
    assert report["pictures"] == 40
    assert "3 bad file(s) left out" in summary(report, config.output_dir)


def test_a_class_with_two_pictures_and_nothing_decodable_are_said(config: PrepareConfig) -> None:
    write_runs(config.input_dirs[0], "C", [1], frames=2)
    with pytest.raises(DataError, match=r"class C \(2\)"):
        prepare(config)
    for path in config.input_dirs[0].rglob("*.jpg"):
        path.write_bytes(b"no")
    with pytest.raises(DataError, match="none of 42 files"):
        prepare(config)


def test_one_recording_a_class_cannot_be_tested_and_says_so(tmp_path: Path) -> None:
    folder = alphabet(tmp_path / "in", runs=1, frames=6)
    config = PrepareConfig(input_dirs=(folder,), output_dir=tmp_path / "out")
    with pytest.raises(DataError, match="no class has three separate groups"):
        prepare(config)
    report = prepare(replace(config, split="random")).report
    this = report["leak"]["this_split"]
    assert this == report["leak"]["random_split"]
    assert this["torn_groups"] == 2
    assert this["crossing_pairs"] > 0
    assert this["test_pictures_with_twin_in_train"] > 0
    assert "this split leaks" in summary(report, config.output_dir)
    assert len(read_manifest(config.output_dir).samples) == 12


def test_the_same_picture_under_two_classes_is_left_out_twice(config: PrepareConfig) -> None:
    folder = config.input_dirs[0]
    (folder / "B" / "B9000.jpg").write_bytes((folder / "A" / "A0.jpg").read_bytes())
    report = prepare(config).report
    (conflict,) = report["conflicts"]
    assert [Path(p).name for p in conflict["paths"]] == ["A0.jpg", "B9000.jpg"]
    assert report["pictures"] == 39
    assert not {"A0.jpg", "B9000.jpg"} & {Path(row["path"]).name for row in rows(config)}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"train_share": 0.9}, "add up to 1"),
        ({"val_share": 0.0, "train_share": 0.85}, "three positive shares"),
        ({"near_bits": -1}, "near_bits"),
        ({"near_bits": 65}, "near_bits"),
        ({"seed": -1}, "seed"),
        ({"max_bad_share": 2.0}, "max_bad_share"),
        ({"split": "alphabetical"}, "split"),
        ({"input_dirs": ()}, "no input folder"),
        ({"group_by": "source", "groups_csv": Path("groups.csv")}, "one of the two"),
        ({"group_by": "source", "split": "random"}, "--split random"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    config: PrepareConfig, setting: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        replace(config, **setting)


KILLS = 24
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from fingerspell.config import PrepareConfig
from fingerspell.prepare.prepare import prepare
config = PrepareConfig(input_dirs=(Path(sys.argv[2]),), output_dir=Path(sys.argv[3]),
                       seed=int(sys.argv[4]), overwrite=True)
print("ready", flush=True)
prepare(config)
"""


def start(pictures: Path, goal: Path, seed: int) -> subprocess.Popen[str]:
    """Starts prepare and returns once its libraries are loaded."""
    call = [sys.executable, "-c", PROGRAM, str(SOURCE), str(pictures), str(goal), str(seed)]
    child = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout is not None
    with child.stdout as said:
        assert said.readline() == "ready\n"
    return child


def checked_sha256(goal: Path) -> str:
    """The data set's manifest, once every picture has been hashed again."""
    manifest = read_manifest(goal)
    assert verify(manifest) == len(manifest.samples) == 320
    listed = {sample.path for sample in manifest.samples}
    assert {p.relative_to(goal).as_posix() for p in goal.rglob("*.jpg")} == listed
    return manifest.sha256


@pytest.mark.slow
def test_killed_at_random_moments_the_data_set_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    pictures, goal = alphabet(tmp_path / "hands", "ABCD", runs=20), tmp_path / "sets" / "dataset"
    known, longest_s = {}, 0.0
    for seed in (1, 2, 1):
        child, started_s = start(pictures, goal, seed), time.monotonic()
        assert child.wait() == 0
        longest_s = max(longest_s, time.monotonic() - started_s)
        known[seed] = checked_sha256(goal)
    moments, now, survived = random.Random(0), 1, {"old": 0, "new": 0}
    for _ in range(KILLS):
        child = start(pictures, goal, 3 - now)
        time.sleep(moments.uniform(0, 1.1 * longest_s))
        child.kill()
        child.wait()
        if not goal.exists():  # Between the two renames: the next prepare begins like this.
            files._recover(goal)
        found = checked_sha256(goal)
        assert found in known.values(), "a mixture"
        survived["old" if found == known[now] else "new"] += 1
        now = next(seed for seed, sha256 in known.items() if sha256 == found)
    print(f"{KILLS} kills within {longest_s:.2f} s: {survived}")
    assert survived["old"] > 0
    assert start(pictures, goal, 3 - now).wait() == 0
    assert checked_sha256(goal) == known[3 - now]
    assert not [path for path in goal.parent.iterdir() if path.name.startswith(".")]
