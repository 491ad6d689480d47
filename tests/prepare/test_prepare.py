"""prepare end to end on synthetic pictures: what it writes, refuses and leaves alone."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fingerspell import files
from fingerspell.config import PrepareConfig
from fingerspell.dataset.manifest import OLD_HELD_OUT, read_manifest
from fingerspell.errors import ConfigError, DataError
from fingerspell.prepare.prepare import prepare
from fingerspell.prepare.summary import summary
from helpers.synthetic_folder import alphabet, write_runs


@pytest.fixture
def config(tmp_path: Path) -> PrepareConfig:
    folder = alphabet(tmp_path / "hands")
    return PrepareConfig(input_dirs=(folder,), output_dir=tmp_path / "dataset")


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


def test_the_manifest_names_every_file_and_its_picture(config: PrepareConfig) -> None:
    prepare(config)
    listed = {row["path"] for row in rows(config)}
    assert listed == {p for p in tree(config.output_dir) if p.endswith(".jpg")}
    first = rows(config)[0]
    assert (first["width"], first["height"], first["source"]) == ("48", "48", "hands")
    assert len(first["sha256"]) == 64
    manifest = read_manifest(config.output_dir)
    assert manifest.labels == ("A", "B")
    assert Counter(s.split for s in manifest.samples) == {"train": 24, "val": 8, "test": 8}
    assert b"\r" not in (config.output_dir / "manifest.csv").read_bytes()


def test_the_input_is_never_touched(config: PrepareConfig) -> None:
    before = tree(config.input_dirs[0])
    prepare(config)
    prepare(replace(config, seed=1, overwrite=True))
    assert tree(config.input_dirs[0]) == before


def test_files_are_linked_and_where_that_fails_copied(
    config: PrepareConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = prepare(config).report
    assert linked["linked"] + linked["copied"] == 40

    def refuse(*_: object) -> None:
        raise OSError("another device")

    monkeypatch.setattr(os, "link", refuse)
    copied = prepare(replace(config, seed=1, overwrite=True)).report
    assert (copied["linked"], copied["copied"]) == (0, 40)


def test_the_same_seed_gives_the_same_manifest_and_another_does_not(
    config: PrepareConfig, tmp_path: Path
) -> None:
    def manifest(name: str, seed: int) -> str:
        there = replace(config, output_dir=tmp_path / name, seed=seed)
        prepare(there)
        return read_manifest(there.output_dir).sha256

    assert manifest("one", 1) == manifest("two", 1)
    assert len({manifest(f"seed{seed}", seed) for seed in range(4)}) > 1


def test_a_second_run_leaves_the_data_set_untouched(
    config: PrepareConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(config)
    before = tree(config.output_dir)
    monkeypatch.setattr("fingerspell.prepare.prepare.examine", None)
    second = prepare(config)
    assert second.untouched
    assert second.report == first.report
    assert tree(config.output_dir) == before


def test_overwrite_makes_it_anew_though_nothing_changed(config: PrepareConfig) -> None:
    prepare(config)
    picture = config.output_dir / rows(config)[0]["path"]
    picture.unlink()
    picture.write_bytes(b"somebody else's")
    assert not prepare(replace(config, overwrite=True)).untouched
    assert picture.read_bytes() != b"somebody else's"


@pytest.mark.parametrize("name", ["report.html", "data_card.md"])
def test_a_data_set_that_lacks_a_report_is_not_whole(config: PrepareConfig, name: str) -> None:
    prepare(config)
    (config.output_dir / name).unlink()
    with pytest.raises(DataError, match="a damaged data set"):
        prepare(config)


@pytest.mark.parametrize("name", ["notes.txt", "output"])
def test_what_others_put_into_a_data_set_is_not_thrown_away(
    config: PrepareConfig, name: str
) -> None:
    prepare(config)
    (config.output_dir / name).mkdir()
    with pytest.raises(DataError, match=f"holds more than a data set: {name}"):
        prepare(replace(config, overwrite=True))
    assert (config.output_dir / name).exists()


def test_the_same_folder_written_otherwise_is_the_same_data_set(
    config: PrepareConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(config)
    monkeypatch.chdir(config.input_dirs[0].parent)
    assert prepare(replace(config, input_dirs=(Path("hands"),))).untouched


def test_a_folder_that_may_not_be_read_is_a_clear_error(
    config: PrepareConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(DataError, match="Permission denied"):
        prepare(config)


@pytest.mark.parametrize("change", ["seed", "new file", "changed file", "lost picture"])
def test_anything_else_needs_overwrite(config: PrepareConfig, change: str) -> None:
    prepare(config)
    picture = config.input_dirs[0] / "A" / "A0.jpg"
    if change == "seed":
        config = replace(config, seed=7)
    elif change == "new file":
        write_runs(config.input_dirs[0], "A", [77, 78, 79, 80, 81, 82], 1)
    elif change == "changed file":
        os.utime(picture, ns=(1, 1))
    else:
        (config.output_dir / rows(config)[0]["path"]).unlink()
    before = tree(config.output_dir)
    with pytest.raises(DataError, match="--overwrite"):
        prepare(config)
    assert tree(config.output_dir) == before
    assert not prepare(replace(config, overwrite=True)).untouched


def test_a_foreign_folder_is_refused_even_with_overwrite(config: PrepareConfig) -> None:
    config.output_dir.mkdir()
    (config.output_dir / "thesis.txt").write_text("do not lose me", encoding="utf-8")
    with pytest.raises(DataError, match="not a data set"):
        prepare(replace(config, overwrite=True))
    assert (config.output_dir / "thesis.txt").exists()


def test_an_empty_output_folder_is_welcome(config: PrepareConfig) -> None:
    config.output_dir.mkdir()
    assert prepare(config).report["pictures"] == 40


@pytest.mark.parametrize(
    "output",
    [lambda hands: hands, lambda hands: hands / "dataset", lambda hands: hands.parent],
)
def test_output_and_input_must_lie_apart(
    config: PrepareConfig, output: Callable[[Path], Path]
) -> None:
    with pytest.raises(DataError, match="inside one another"):
        prepare(replace(config, output_dir=output(config.input_dirs[0])))


def test_an_output_that_cannot_be_written_is_said_before_the_work(
    config: PrepareConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fingerspell.prepare.prepare.examine", None)
    blocker = config.output_dir.parent / "a file"
    blocker.write_bytes(b"")
    with pytest.raises(DataError, match="cannot write"):
        prepare(replace(config, output_dir=blocker / "dataset"))


def test_a_full_disk_leaves_nothing_behind_and_the_old_set_in_place(
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


def test_what_a_killed_run_left_is_put_right(config: PrepareConfig) -> None:
    prepare(config)
    config.output_dir.rename(files.previous_of(config.output_dir))
    (config.output_dir.parent / ".dataset.partial").mkdir()
    assert prepare(config).untouched
    assert {p.name for p in config.output_dir.parent.iterdir()} == {"hands", "dataset"}


def test_bad_files_are_listed_and_left_out(config: PrepareConfig) -> None:
    (config.input_dirs[0] / "A" / "A9000.jpg").write_bytes(b"")
    (config.input_dirs[0] / "A" / "A9001.jpg").write_bytes(b"this is no picture")
    report = prepare(replace(config, max_bad_share=0.1)).report
    assert [(Path(b["path"]).name, b["reason"]) for b in report["bad"]] == [
        ("A9000.jpg", "an empty file (0 bytes)"),
        ("A9001.jpg", "18 bytes that are no picture"),
    ]
    assert report["pictures"] == 40
    assert "2 bad file(s) left out" in summary(report, config.output_dir)


def test_too_many_bad_files_stop_it_with_nothing_written(config: PrepareConfig) -> None:
    (config.input_dirs[0] / "A" / "A9000.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="1 of 41 files are bad"):
        prepare(config)
    assert not config.output_dir.exists()


def test_nothing_decodable_is_said(tmp_path: Path) -> None:
    for label in "AB":
        (tmp_path / "in" / label).mkdir(parents=True)
        (tmp_path / "in" / label / "x.jpg").write_bytes(b"no")
    with pytest.raises(DataError, match="none of 2 files"):
        prepare(PrepareConfig(input_dirs=(tmp_path / "in",), output_dir=tmp_path / "out"))


def test_a_class_with_two_pictures_is_named(config: PrepareConfig) -> None:
    write_runs(config.input_dirs[0], "C", [1], frames=2)
    with pytest.raises(DataError, match=r"class C \(2\)"):
        prepare(config)


def test_one_recording_a_class_cannot_be_tested_and_says_so(tmp_path: Path) -> None:
    folder = alphabet(tmp_path / "in", runs=1, frames=6)
    config = PrepareConfig(input_dirs=(folder,), output_dir=tmp_path / "out")
    with pytest.raises(DataError, match="no class has three separate groups"):
        prepare(config)
    report = prepare(replace(config, split="random")).report
    assert report["leak"]["this_split"]["torn_groups"] == 2


def test_thin_classes_are_named_on_the_console(config: PrepareConfig) -> None:
    write_runs(config.input_dirs[0], "C", [901], frames=6)
    write_runs(config.input_dirs[0], "D", [902, 903], frames=6)
    report = prepare(config).report
    assert report["classes"]["C"] == {"train": 6, "val": 0, "test": 0, "groups": 1}
    assert report["classes"]["D"] == {"train": 6, "val": 0, "test": 6, "groups": 2}
    text = summary(report, config.output_dir)
    assert "never tested: C" in text
    assert "none in val: D" in text


def test_a_random_split_says_what_it_leaks(config: PrepareConfig) -> None:
    report = prepare(replace(config, split="random")).report
    this = report["leak"]["this_split"]
    assert this == report["leak"]["random_split"]
    assert this["crossing_pairs"] > 0
    assert this["torn_groups"] > 0
    assert this["test_pictures_with_twin_in_train"] > 0
    assert "this split leaks" in summary(report, config.output_dir)
    assert len(read_manifest(config.output_dir).samples) == 40


def test_a_split_by_groups_says_what_a_random_one_would_leak(config: PrepareConfig) -> None:
    leak = prepare(config).report["leak"]
    assert leak["this_split"]["crossing_pairs"] == 0
    assert leak["this_split"]["test_pictures_with_twin_in_train"] == 0
    assert leak["random_split"]["crossing_pairs"] > 0


def test_the_same_picture_under_two_classes_is_left_out_twice(config: PrepareConfig) -> None:
    folder = config.input_dirs[0]
    (folder / "B" / "B9000.jpg").write_bytes((folder / "A" / "A0.jpg").read_bytes())
    report = prepare(config).report
    (conflict,) = report["conflicts"]
    assert [Path(p).name for p in conflict["paths"]] == ["A0.jpg", "B9000.jpg"]
    assert report["pictures"] == 39
    assert not {"A0.jpg", "B9000.jpg"} & {Path(row["path"]).name for row in rows(config)}


def test_sources_do_not_collide_and_copies_between_them_stay_together(tmp_path: Path) -> None:
    one, two = alphabet(tmp_path / "one"), alphabet(tmp_path / "two")
    config = PrepareConfig(input_dirs=(one, two), output_dir=tmp_path / "out")
    report = prepare(config).report
    assert report["pictures"] == 80
    assert report["groups"] == 10
    assert {row["source"] for row in rows(config)} == {"one", "two"}
    assert Path(rows(config)[0]["path"]).name.startswith("one__")


def test_a_wrong_extension_is_no_obstacle(config: PrepareConfig) -> None:
    old = config.input_dirs[0] / "A" / "A0.jpg"
    old.rename(old.with_suffix(".png"))
    assert prepare(config).report["bad"] == []


def test_the_report_is_plain_json(config: PrepareConfig) -> None:
    report = prepare(config).report
    path = config.output_dir / "report.json"
    assert json.loads(path.read_text(encoding="utf-8")) == report
    assert report["manifest_sha256"] == read_manifest(config.output_dir).sha256


@pytest.mark.parametrize(
    "setting",
    [
        {"train_share": 0.9},
        {"val_share": 0.0, "train_share": 0.85},
        {"near_bits": -1},
        {"seed": -1},
        {"near_bits": 65},
        {"max_bad_share": 2.0},
        {"split": "alphabetical"},
        {"input_dirs": ()},
    ],
)
def test_settings_that_cannot_work_are_refused(
    config: PrepareConfig, setting: dict[str, object]
) -> None:
    with pytest.raises(ConfigError):
        replace(config, **setting)


def test_a_data_set_of_an_earlier_version_is_refused_and_can_be_replaced(
    config: PrepareConfig,
) -> None:
    prepare(config)
    (config.output_dir / OLD_HELD_OUT / "ann" / "A").mkdir(parents=True)
    path = config.output_dir / "report.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**report, "format": 2}), encoding="utf-8")
    with pytest.raises(DataError, match="another version") as error:
        prepare(config)
    assert "--overwrite" in error.value.fix
    assert not prepare(replace(config, overwrite=True)).untouched
    assert not (config.output_dir / OLD_HELD_OUT).exists()
