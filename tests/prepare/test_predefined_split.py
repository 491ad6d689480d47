"""Ready-made splits: kept where they hold, completed where one misses, refused where they leak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fingerspell.config import PrepareConfig
from fingerspell.dataset.manifest import read_manifest
from fingerspell.errors import DataError
from fingerspell.prepare.prepare import prepare
from fingerspell.prepare.summary import summary
from helpers.synthetic_folder import write_runs

Config = Callable[..., PrepareConfig]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Builds `ready/<split>/<A|B>` with the runs of pictures named for each split."""

    def build(**runs: range) -> PrepareConfig:
        for split, seeds in runs.items():
            for label in "AB":
                write_runs(
                    tmp_path / "ready" / split, label, (ord(label) * 1000 + s for s in seeds)
                )
        return PrepareConfig(input_dirs=(tmp_path / "ready",), output_dir=tmp_path / "dataset")

    return build


def homes(config: PrepareConfig) -> dict[str, set[str]]:
    """Which recordings (by hash) lie in which split."""
    found: dict[str, set[str]] = {"train": set(), "val": set(), "test": set()}
    for sample in read_manifest(config.output_dir).samples:
        found[sample.split].add(sample.sha256)
    return found


def test_a_split_that_does_not_leak_stays_as_it_is(config: Config) -> None:
    ready = config(train=range(1), valid=range(1, 4), test=range(4, 5))
    report = prepare(ready).report
    assert report["classes"]["A"] == {"train": 4, "val": 12, "test": 4, "groups": 5}
    assert report["kept_splits"] == ["ready"]
    assert "kept as its folders give it" in summary(report, ready.output_dir)


def test_a_split_that_leaks_is_refused_with_its_figures(config: Config) -> None:
    ready = config(train=range(4), valid=range(4, 6), test=range(3, 5))
    with pytest.raises(DataError, match=r"(?s)leaks: 4 groups.* 8 test pictures .*--resplit"):
        prepare(ready)
    assert not ready.output_dir.exists()


def test_resplit_splits_a_leaking_one_afresh(config: Config) -> None:
    ready = config(train=range(4), valid=range(4, 6), test=range(3, 5))
    report = prepare(replace(ready, resplit=True)).report
    assert report["kept_splits"] == []
    assert report["leak"]["this_split"]["torn_groups"] == 0
    assert report["pictures"] == 2 * 4 * 8


def test_frames_of_one_name_in_two_splits_are_both_there(config: Config) -> None:
    prepared = config(train=range(3), val=range(3, 4), test=range(4, 5))
    prepare(replace(prepared, resplit=True))
    assert len(read_manifest(prepared.output_dir).samples) == 40


def test_a_missing_val_is_cut_out_of_train_by_groups_and_test_stays(config: Config) -> None:
    ready = config(train=range(6), test=range(6, 8))
    report = prepare(ready).report
    counts = report["classes"]["A"]
    assert counts["test"] == 8
    assert counts["val"] in (4, 8)
    assert counts["train"] + counts["val"] == 24
    assert report["leak"]["this_split"]["torn_groups"] == 0


def test_a_folder_with_test_alone_cannot_be_kept(config: Config) -> None:
    with pytest.raises(DataError, match=r"(?s)without train.*--resplit"):
        prepare(config(valid=range(3), test=range(3, 6)))


def test_a_random_split_asked_for_does_not_keep(config: Config) -> None:
    ready = config(train=range(4), valid=range(4, 6), test=range(3, 5))
    report = prepare(replace(ready, split="random")).report
    assert report["kept_splits"] == []
    assert report["leak"]["this_split"]["torn_groups"] > 0


def test_a_class_that_a_kept_split_only_tests_is_refused(config: Config, tmp_path: Path) -> None:
    ready = config(train=range(3), valid=range(3, 4), test=range(4, 5))
    write_runs(tmp_path / "ready" / "test", "C", [77])
    with pytest.raises(DataError, match=r"(?s)no training picture of class C.*--resplit"):
        prepare(ready)


def test_copies_of_a_kept_split_elsewhere_go_where_it_puts_them(
    config: Config, tmp_path: Path
) -> None:
    ready = config(train=range(3), valid=range(3, 4), test=range(4, 6))
    for label in "AB":
        write_runs(
            tmp_path / "plain", label, (ord(label) * 1000 + s for s in (4, 5, *range(50, 60)))
        )
    both = replace(ready, input_dirs=(*ready.input_dirs, tmp_path / "plain"))
    report = prepare(both).report
    assert report["leak"]["this_split"]["torn_groups"] == 0
    assert report["sources"]["ready"] == {"train": 24, "val": 8, "test": 16}
    assert report["sources"]["plain"]["test"] >= 16


def test_one_source_keeps_its_split_beside_one_that_has_none(
    config: Config, tmp_path: Path
) -> None:
    ready = config(train=range(1), valid=range(1, 4), test=range(4, 5))
    for label in "AB":
        write_runs(tmp_path / "plain", label, (ord(label) * 1000 + s for s in range(50, 60)))
    both = replace(ready, input_dirs=(*ready.input_dirs, tmp_path / "plain"))
    report = prepare(both).report
    assert report["sources"]["ready"] == {"train": 8, "val": 24, "test": 8}
    assert report["sources"]["plain"]["train"] == 56
    assert report["kept_splits"] == ["ready"]
