"""Ready-made splits: kept where they hold, completed where one misses, refused where they leak."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from fingerspell.config import PrepareConfig
from fingerspell.errors import DataError
from fingerspell.prepare.prepare import prepare
from fingerspell.prepare.summary import summary
from helpers.synthetic_folder import alphabet, write_runs

Config = Callable[..., PrepareConfig]
CLEAN = {"train": range(1), "valid": range(1, 4), "test": range(4, 5)}


@pytest.fixture
def config(tmp_path: Path) -> Config:
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


def test_a_split_that_does_not_leak_stays_as_it_is(config: Config) -> None:
    ready = config(**CLEAN)
    report = prepare(ready).report
    assert report["classes"]["A"] == {"train": 4, "val": 12, "test": 4, "groups": 5}
    assert report["kept_splits"] == ["ready"]
    text = summary(report, ready.output_dir)
    assert "ready: ready-made splits" in text
    assert "kept as its folders give it" in text


def test_it_stays_beside_a_source_that_has_none(config: Config) -> None:
    report = prepare(beside(config(**CLEAN), range(50, 60))).report
    assert report["sources"]["ready"] == {"train": 8, "val": 24, "test": 8}
    assert report["sources"]["plain"]["train"] == 56
    assert report["kept_splits"] == ["ready"]


def test_a_split_that_leaks_is_refused_with_its_figures_or_made_afresh(config: Config) -> None:
    ready = config(train=range(4), valid=range(4, 6), test=range(3, 5))
    with pytest.raises(DataError, match=r"(?s)leaks: 4 groups.* 8 test pictures .*--resplit"):
        prepare(ready)
    assert not ready.output_dir.exists()
    afresh = prepare(replace(ready, resplit=True)).report
    assert afresh["leak"]["this_split"]["torn_groups"] == 0
    random = prepare(replace(ready, split="random", overwrite=True)).report
    assert random["leak"]["this_split"]["torn_groups"] > 0
    assert afresh["kept_splits"] == random["kept_splits"] == []
    assert afresh["pictures"] == random["pictures"] == 2 * 4 * 8


def test_a_missing_val_is_cut_out_of_train_by_groups_and_test_stays(config: Config) -> None:
    ready = config(train=range(6), test=range(6, 8))
    report = prepare(ready).report
    counts = report["classes"]["A"]
    assert counts["test"] == 8
    assert counts["val"] in (4, 8)
    assert counts["train"] + counts["val"] == 24
    assert report["leak"]["this_split"]["torn_groups"] == 0


def test_a_split_that_never_trains_or_only_tests_a_class_is_refused(
    config: Config, tmp_path: Path
) -> None:
    ready = config(valid=range(3), test=range(3, 6))
    with pytest.raises(DataError, match=r"(?s)without train.*--resplit"):
        prepare(ready)
    config(train=range(50, 53))
    write_runs(tmp_path / "ready" / "test", "C", [77])
    with pytest.raises(DataError, match=r"(?s)no training picture of class C.*--resplit"):
        prepare(ready)


def test_copies_of_a_kept_split_elsewhere_go_where_it_puts_them(config: Config) -> None:
    ready = config(train=range(3), valid=range(3, 4), test=range(4, 6))
    report = prepare(beside(ready, [4, 5, *range(50, 60)])).report
    assert report["leak"]["this_split"]["torn_groups"] == 0
    assert report["sources"]["ready"] == {"train": 24, "val": 8, "test": 16}
    assert report["sources"]["plain"]["test"] >= 16
