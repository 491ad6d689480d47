"""Held-out sources: people that no training picture shows."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from fingerspell.config import PrepareConfig
from fingerspell.dataset.manifest import read_manifest
from fingerspell.errors import ConfigError, DataError
from fingerspell.prepare.prepare import prepare
from fingerspell.prepare.summary import summary
from helpers.synthetic_folder import alphabet, write_runs


@pytest.fixture
def config(tmp_path: Path) -> PrepareConfig:
    mine = alphabet(tmp_path / "mine")
    for label in "AC":
        write_runs(tmp_path / "theirs", label, (ord(label) * 1000 + s for s in range(70, 72)))
    return PrepareConfig(
        input_dirs=(mine, tmp_path / "theirs"),
        output_dir=tmp_path / "dataset",
        holdout_sources=("theirs",),
    )


def test_a_held_out_source_lies_apart_and_nothing_of_it_is_split(config: PrepareConfig) -> None:
    report = prepare(config).report
    manifest = read_manifest(config.output_dir)
    theirs = [s for s in manifest.samples if s.source == "theirs"]
    assert {s.split for s in theirs} == {"unseen_signers"}
    assert len(list((config.output_dir / "unseen_signers" / "theirs" / "A").iterdir())) == 8
    assert report["held_out"] == ["theirs"]
    assert report["sources"]["theirs"] == {"train": 0, "val": 0, "test": 0, "unseen_signers": 16}
    assert report["pictures"] == 40


def test_a_class_that_only_unseen_signers_show_is_no_class_of_the_recogniser(
    config: PrepareConfig,
) -> None:
    prepare(config)
    assert read_manifest(config.output_dir).labels == ("A", "B")


def test_a_copy_of_a_unseen_signers_picture_is_taken_out_of_training(config: PrepareConfig) -> None:
    mine, theirs = config.input_dirs
    picture = sorted((theirs / "A").iterdir())[0]
    shutil.copy(picture, mine / "A" / "A9000.jpg")
    report = prepare(config).report
    assert [Path(p).name for p in report["copies_of_unseen_signers"]] == ["A9000.jpg"]
    assert "1 copies of held-out pictures" in summary(report, config.output_dir)
    learnt = [s for s in read_manifest(config.output_dir).samples if s.split != "unseen_signers"]
    assert picture.read_bytes() not in [(config.output_dir / s.path).read_bytes() for s in learnt]


def test_the_film_that_a_unseen_signers_picture_was_taken_from_goes_too(
    config: PrepareConfig,
) -> None:
    mine, theirs = config.input_dirs
    shutil.copy(mine / "A" / "A1.jpg", theirs / "A" / "A9000.jpg")
    report = prepare(config).report
    left_out = {Path(p).name for p in report["copies_of_unseen_signers"]}
    assert left_out == {"A0.jpg", "A1.jpg", "A2.jpg", "A3.jpg"}
    assert report["pictures"] == 36
    groups = {
        side: {
            s.group
            for s in read_manifest(config.output_dir).samples
            if (s.split == "unseen_signers") is side
        }
        for side in (True, False)
    }
    assert not groups[True] & groups[False]


def test_a_unseen_signers_picture_saved_again_goes_though_the_user_named_two_signers(
    config: PrepareConfig, tmp_path: Path
) -> None:
    mine, theirs = config.input_dirs
    again = cv2.imread(str(theirs / "A" / "A0.jpg"))
    cv2.imwrite(str(mine / "A" / "A9000.jpg"), again, [cv2.IMWRITE_JPEG_QUALITY, 80])
    table = tmp_path / "groups.csv"
    lines = ["mine/A/A9000.jpg,anna", "mine/A/A0.jpg,anna"]
    lines += [f"theirs/{p.parent.name}/{p.name},berta" for p in sorted(theirs.rglob("*.jpg"))]
    table.write_text("path,group\n" + "\n".join(lines) + "\n", encoding="utf-8")
    report = prepare(replace(config, groups_csv=table)).report
    assert [Path(p).name for p in report["copies_of_unseen_signers"]] == ["A9000.jpg"]


def test_unseen_signers_who_show_nothing_that_is_learnt_are_refused(config: PrepareConfig) -> None:
    _, theirs = config.input_dirs
    shutil.rmtree(theirs / "A")
    with pytest.raises(DataError, match="theirs is held out, but has no usable picture"):
        prepare(config)


def test_holding_out_what_is_the_same_twice_says_why_nothing_is_left(tmp_path: Path) -> None:
    twice = (alphabet(tmp_path / "one"), alphabet(tmp_path / "two"))
    config = PrepareConfig(
        input_dirs=twice, output_dir=tmp_path / "dataset", holdout_sources=("two",)
    )
    with pytest.raises(DataError, match="after 40 copies of held-out pictures"):
        prepare(config)


def test_an_unknown_name_lists_those_there_are(config: PrepareConfig) -> None:
    with pytest.raises(DataError, match=r"(?s)no source called them.*one of mine, theirs"):
        prepare(replace(config, holdout_sources=("them",)))


def test_holding_everything_out_is_refused(config: PrepareConfig) -> None:
    with pytest.raises(DataError, match="every source is held out"):
        prepare(replace(config, holdout_sources=("mine", "theirs")))


def test_a_signer_on_both_sides_is_refused(config: PrepareConfig, tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    table.write_text("path,group\nmine/A/A0.jpg,anna\ntheirs/A/A0.jpg,anna\n", encoding="utf-8")
    with pytest.raises(DataError, match="group anna lies in a held-out source"):
        prepare(replace(config, groups_csv=table))


def test_a_signer_on_both_sides_is_refused_also_where_an_equal_file_joins_signers(
    config: PrepareConfig, tmp_path: Path
) -> None:
    mine, _ = config.input_dirs
    shutil.copy(mine / "A" / "A0.jpg", mine / "A" / "A9001.jpg")
    table = tmp_path / "groups.csv"
    lines = ["mine/A/A0.jpg,anna", "mine/A/A9001.jpg,berta", "theirs/A/A0.jpg,berta"]
    table.write_text("path,group\n" + "\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="group berta lies in a held-out source"):
        prepare(replace(config, groups_csv=table))


def test_two_ways_of_naming_groups_are_refused(config: PrepareConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one of the two"):
        replace(config, group_by="source", groups_csv=tmp_path / "groups.csv")


def test_groups_and_a_random_split_are_refused(config: PrepareConfig) -> None:
    with pytest.raises(ConfigError, match="--split random"):
        replace(config, group_by="source", split="random")
