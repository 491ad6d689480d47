"""Held-out sources: people that no training picture shows."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from fingerspell.config import PrepareConfig
from fingerspell.dataset.manifest import read_manifest
from fingerspell.errors import DataError
from fingerspell.prepare.prepare import prepare
from fingerspell.prepare.summary import summary
from helpers.synthetic_folder import alphabet, groups_table


@pytest.fixture
def config(config: PrepareConfig, tmp_path: Path) -> PrepareConfig:
    """Beside `hands`, which is learnt from, `theirs` with other runs of A and of a class C."""
    theirs = alphabet(tmp_path / "theirs", "AC", runs=range(70, 72))
    inputs = (*config.input_dirs, theirs)
    return replace(config, input_dirs=inputs, holdout_sources=("theirs",))


def test_a_held_out_source_lies_apart_and_nothing_of_it_is_split(config: PrepareConfig) -> None:
    report = prepare(config).report
    manifest = read_manifest(config.output_dir)
    theirs = [s for s in manifest.samples if s.source == "theirs"]
    assert {s.split for s in theirs} == {"unseen_signers"}
    assert len(list((config.output_dir / "unseen_signers" / "theirs" / "A").iterdir())) == 8
    assert report["held_out"] == ["theirs"]
    assert report["sources"]["theirs"] == {"train": 0, "val": 0, "test": 0, "unseen_signers": 16}
    assert report["pictures"] == 40
    assert manifest.labels == ("A", "B"), "a class that only they show is none of the recogniser"


def test_a_copy_of_an_unseen_signers_picture_is_taken_out_of_training(
    config: PrepareConfig,
) -> None:
    mine, theirs = config.input_dirs
    picture = sorted((theirs / "A").iterdir())[0]
    shutil.copy(picture, mine / "A" / "A9000.jpg")
    report = prepare(config).report
    assert [Path(p).name for p in report["copies_of_unseen_signers"]] == ["A9000.jpg"]
    assert "1 copies of held-out pictures" in summary(report, config.output_dir)
    learnt = [s for s in read_manifest(config.output_dir).samples if s.split != "unseen_signers"]
    assert picture.read_bytes() not in [(config.output_dir / s.path).read_bytes() for s in learnt]


def test_the_film_that_an_unseen_signers_picture_was_taken_from_goes_too(
    config: PrepareConfig,
) -> None:
    mine, theirs = config.input_dirs
    shutil.copy(mine / "A" / "A1.jpg", theirs / "A" / "A9000.jpg")
    report = prepare(config).report
    left_out = {Path(p).name for p in report["copies_of_unseen_signers"]}
    assert left_out == {"A0.jpg", "A1.jpg", "A2.jpg", "A3.jpg"}
    assert report["pictures"] == 36
    samples = read_manifest(config.output_dir).samples
    held_out = {s.group for s in samples if s.split == "unseen_signers"}
    assert not held_out & {s.group for s in samples if s.split != "unseen_signers"}


def test_an_unseen_signers_picture_saved_again_goes_though_the_user_named_two_signers(
    config: PrepareConfig, tmp_path: Path
) -> None:
    mine, theirs = config.input_dirs
    again = cv2.imread(str(theirs / "A" / "A0.jpg"))
    cv2.imwrite(str(mine / "A" / "A9000.jpg"), again, [cv2.IMWRITE_JPEG_QUALITY, 80])
    lines = [f"theirs/{p.parent.name}/{p.name},berta" for p in theirs.rglob("*.jpg")]
    table = groups_table(tmp_path, "hands/A/A9000.jpg,anna", "hands/A/A0.jpg,anna", *lines)
    report = prepare(replace(config, groups_csv=table)).report
    assert [Path(p).name for p in report["copies_of_unseen_signers"]] == ["A9000.jpg"]


def test_unseen_signers_who_show_nothing_that_is_learnt_are_refused(config: PrepareConfig) -> None:
    _, theirs = config.input_dirs
    shutil.rmtree(theirs / "A")
    with pytest.raises(DataError, match="theirs is held out, but has no usable picture"):
        prepare(config)


def test_holding_out_what_is_the_same_twice_says_why_nothing_is_left(
    config: PrepareConfig, tmp_path: Path
) -> None:
    twice = (config.input_dirs[0], alphabet(tmp_path / "two"))
    with pytest.raises(DataError, match="after 40 copies of held-out pictures"):
        prepare(replace(config, input_dirs=twice, holdout_sources=("two",)))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("them",), r"(?s)no source called them.*one of hands, theirs"),
        (("hands", "theirs"), "every source is held out"),
    ],
)
def test_an_unknown_name_lists_those_there_are_and_one_must_be_left(
    config: PrepareConfig, names: tuple[str, ...], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        prepare(replace(config, holdout_sources=names))


@pytest.mark.parametrize(
    ("who", "lines"),
    [
        ("anna", ["hands/A/A0.jpg,anna", "theirs/A/A0.jpg,anna"]),
        ("berta", ["hands/A/A0.jpg,anna", "hands/A/A9001.jpg,berta", "theirs/A/A0.jpg,berta"]),
    ],
    ids=["named there and here", "joined with another by an equal file"],
)
def test_a_signer_on_both_sides_is_refused(
    config: PrepareConfig, tmp_path: Path, who: str, lines: list[str]
) -> None:
    mine, _ = config.input_dirs
    shutil.copy(mine / "A" / "A0.jpg", mine / "A" / "A9001.jpg")
    with pytest.raises(DataError, match=f"group {who} lies in a held-out source"):
        prepare(replace(config, groups_csv=groups_table(tmp_path, *lines)))
