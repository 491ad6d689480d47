"""Sources that are split already, and sources held out: signers that no training picture shows."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import product
from pathlib import Path

import cv2
import pytest

from fingerspell.config import PrepareConfig
from fingerspell.dataset.manifest import read_manifest
from fingerspell.errors import DataError
from fingerspell.prepare.prepare import prepare
from fingerspell.prepare.summary import summary
from helpers.synthetic_folder import alphabet, groups_table, write_runs

Config = Callable[..., PrepareConfig]
CLEAN = {"train": range(1), "valid": range(1, 4), "test": range(4, 5)}


@pytest.fixture
def built(tmp_path: Path) -> Config:
    """Builds `ready/<split>/<A|B>` with the runs of pictures named for each split."""

    def build(**runs: range) -> PrepareConfig:
        for split, numbers in runs.items():
            alphabet(tmp_path / "ready" / split, runs=numbers)
        return PrepareConfig(input_dirs=(tmp_path / "ready",), output_dir=tmp_path / "dataset")

    return build


def beside(ready: PrepareConfig, runs: Iterable[int]) -> PrepareConfig:
    """Adds a source that has no splits."""
    plain = alphabet(ready.output_dir.with_name("plain"), runs=runs)
    return replace(ready, input_dirs=(*ready.input_dirs, plain))


def test_a_split_that_does_not_leak_stays_as_it_is(built: Config) -> None:
    ready = built(**CLEAN)
    report = prepare(ready).report
    assert report["classes"]["A"] == {"train": 4, "val": 12, "test": 4, "groups": 5}
    assert report["kept_splits"] == ["ready"]
    text = summary(report, ready.output_dir)
    assert "ready: ready-made splits" in text
    assert "kept as its folders give it" in text


def test_it_stays_beside_a_source_that_has_none(built: Config) -> None:
    report = prepare(beside(built(**CLEAN), range(50, 60))).report
    assert report["sources"]["ready"] == {"train": 8, "val": 24, "test": 8}
    assert report["sources"]["plain"]["train"] == 56
    assert report["kept_splits"] == ["ready"]


def test_a_split_that_leaks_is_refused_with_its_figures_or_made_afresh(built: Config) -> None:
    ready = built(train=range(4), valid=range(4, 6), test=range(3, 5))
    with pytest.raises(DataError, match=r"(?s)leaks: 4 groups.* 8 test pictures .*--resplit"):
        prepare(ready)
    assert not ready.output_dir.exists()
    afresh = prepare(replace(ready, resplit=True)).report
    assert afresh["leak"]["this_split"]["torn_groups"] == 0
    random = prepare(replace(ready, split="random", overwrite=True)).report
    assert random["leak"]["this_split"]["torn_groups"] > 0
    assert afresh["kept_splits"] == random["kept_splits"] == []
    assert afresh["pictures"] == random["pictures"] == 2 * 4 * 8


def test_a_missing_val_is_cut_out_of_train_by_groups_and_test_stays(built: Config) -> None:
    ready = built(train=range(6), test=range(6, 8))
    report = prepare(ready).report
    counts = report["classes"]["A"]
    assert counts["test"] == 8
    assert counts["val"] in (4, 8)
    assert counts["train"] + counts["val"] == 24
    assert report["leak"]["this_split"]["torn_groups"] == 0


def test_a_split_that_never_trains_or_only_tests_a_class_is_refused(
    built: Config, tmp_path: Path
) -> None:
    ready = built(valid=range(3), test=range(3, 6))
    with pytest.raises(DataError, match=r"(?s)without train.*--resplit"):
        prepare(ready)
    built(train=range(50, 53))
    write_runs(tmp_path / "ready" / "test", "C", [77])
    with pytest.raises(DataError, match=r"(?s)no training picture of class C.*--resplit"):
        prepare(ready)


def test_copies_of_a_kept_split_elsewhere_go_where_it_puts_them(built: Config) -> None:
    ready = built(train=range(3), valid=range(3, 4), test=range(4, 6))
    report = prepare(beside(ready, [4, 5, *range(50, 60)])).report
    assert report["leak"]["this_split"]["torn_groups"] == 0
    assert report["sources"]["ready"] == {"train": 24, "val": 8, "test": 16}
    assert report["sources"]["plain"]["test"] >= 16


def test_persons_folders_below_the_classes_are_groups_that_no_split_tears(tmp_path: Path) -> None:
    words, output = tmp_path / "words", tmp_path / "dataset"
    for seed, (word, who) in enumerate(product(("hello", "please"), ("anna", "ben", "cy"))):
        write_runs(words / word, who, [10 * seed, 10 * seed + 1])
    config = PrepareConfig(input_dirs=(words,), output_dir=output)
    report = prepare(config).report
    samples = read_manifest(output).samples
    homes = {(sample.group, sample.split) for sample in samples}
    assert {group for group, _ in homes} == {"words/anna", "words/ben", "words/cy"}
    assert {split for _, split in homes} == {"train", "val", "test"} and len(homes) == 3
    assert {sample.label for sample in samples} == {"hello", "please"}
    text = summary(report, output)
    assert "3 groups named by folders of persons" in text
    assert "the upper folders are the classes (hello, please)" in text
    for split in ("train", "val", "test"):
        shutil.copytree(words, tmp_path / "split" / split)
    leaky = replace(config, input_dirs=(tmp_path / "split",), overwrite=True)
    with pytest.raises(DataError, match=r"(?s)3 groups of near duplicates or of one person.*split"):
        prepare(leaky)
    assert prepare(replace(leaky, group_by=r"(\d)\.jpg", resplit=True)).report["config"]["group_by"]
    assert {s.group for s in read_manifest(output).samples} <= set("0123456789")


@pytest.fixture
def held(config: PrepareConfig, tmp_path: Path) -> PrepareConfig:
    """Beside `hands`, which is learnt from, `theirs` with other runs of A and of a class C."""
    theirs = alphabet(tmp_path / "theirs", "AC", runs=range(70, 72))
    inputs = (*config.input_dirs, theirs)
    return replace(config, input_dirs=inputs, holdout_sources=("theirs",))


def test_a_held_out_source_lies_apart_and_nothing_of_it_is_split(held: PrepareConfig) -> None:
    report = prepare(held).report
    manifest = read_manifest(held.output_dir)
    theirs = [s for s in manifest.samples if s.source == "theirs"]
    assert {s.split for s in theirs} == {"unseen_signers"}
    assert len(list((held.output_dir / "unseen_signers" / "theirs" / "A").iterdir())) == 8
    assert report["held_out"] == ["theirs"]
    assert report["sources"]["theirs"] == {"train": 0, "val": 0, "test": 0, "unseen_signers": 16}
    assert report["pictures"] == 40
    assert manifest.labels == ("A", "B"), "a class that only they show is none of the recogniser"


def test_copies_of_unseen_signers_pictures_and_the_film_that_one_was_taken_from_are_left_out(
    held: PrepareConfig,
) -> None:
    mine, theirs = held.input_dirs
    shutil.copy(theirs / "A" / "A0.jpg", mine / "A" / "A9000.jpg")
    shutil.copy(mine / "A" / "A1.jpg", theirs / "A" / "A9000.jpg")
    report = prepare(held).report
    left_out = {Path(p).name for p in report["copies_of_unseen_signers"]}
    assert left_out == {"A9000.jpg", "A0.jpg", "A1.jpg", "A2.jpg", "A3.jpg"}
    assert "5 copies of held-out pictures" in summary(report, held.output_dir)
    assert report["pictures"] == 36
    samples = read_manifest(held.output_dir).samples
    held_out = {
        name for s in samples if s.split == "unseen_signers" for name in (s.group, s.sha256)
    }
    learnt = {name for s in samples if s.split != "unseen_signers" for name in (s.group, s.sha256)}
    assert held_out and not held_out & learnt


def test_an_unseen_signers_picture_saved_again_goes_though_the_user_named_two_signers(
    held: PrepareConfig, tmp_path: Path
) -> None:
    mine, theirs = held.input_dirs
    again = cv2.imread(str(theirs / "A" / "A0.jpg"))
    cv2.imwrite(str(mine / "A" / "A9000.jpg"), again, [cv2.IMWRITE_JPEG_QUALITY, 80])
    lines = [f"theirs/{p.parent.name}/{p.name},berta" for p in theirs.rglob("*.jpg")]
    table = groups_table(tmp_path, "hands/A/A9000.jpg,anna", "hands/A/A0.jpg,anna", *lines)
    report = prepare(replace(held, groups_csv=table)).report
    assert [Path(p).name for p in report["copies_of_unseen_signers"]] == ["A9000.jpg"]


def test_unseen_signers_who_show_nothing_that_is_learnt_are_refused(held: PrepareConfig) -> None:
    _, theirs = held.input_dirs
    shutil.rmtree(theirs / "A")
    with pytest.raises(DataError, match="theirs is held out, but has no usable picture"):
        prepare(held)


def test_holding_out_what_is_the_same_twice_says_why_nothing_is_left(
    held: PrepareConfig, tmp_path: Path
) -> None:
    twice = (held.input_dirs[0], alphabet(tmp_path / "two"))
    with pytest.raises(DataError, match="after 40 copies of held-out pictures"):
        prepare(replace(held, input_dirs=twice, holdout_sources=("two",)))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("them",), r"(?s)no source called them.*one of hands, theirs"),
        (("hands", "theirs"), "every source is held out"),
    ],
)
def test_an_unknown_name_lists_those_there_are_and_one_must_be_left(
    held: PrepareConfig, names: tuple[str, ...], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        prepare(replace(held, holdout_sources=names))


@pytest.mark.parametrize(
    ("who", "lines"),
    [
        ("anna", ["hands/A/A0.jpg,anna", "theirs/A/A0.jpg,anna"]),
        ("berta", ["hands/A/A0.jpg,anna", "hands/A/A9001.jpg,berta", "theirs/A/A0.jpg,berta"]),
    ],
    ids=["named there and here", "joined with another by an equal file"],
)
def test_a_signer_on_both_sides_is_refused(
    held: PrepareConfig, tmp_path: Path, who: str, lines: list[str]
) -> None:
    mine, _ = held.input_dirs
    shutil.copy(mine / "A" / "A0.jpg", mine / "A" / "A9001.jpg")
    with pytest.raises(DataError, match=f"group {who} lies in a held-out source"):
        prepare(replace(held, groups_csv=groups_table(tmp_path, *lines)))
