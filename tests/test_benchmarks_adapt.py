"""The measurement of `adapt` deals pictures fairly."""

from pathlib import Path

import pytest

import adapt as benchmark


def groups(**classes: tuple[int, ...]):
    """label=(sizes of its groups)."""
    return {
        label: {
            f"{label}{g}": [Path(f"{label}{g}_{i}.jpg") for i in range(size)]
            for g, size in enumerate(sizes)
        }
        for label, sizes in classes.items()
    }


def group_of(path: Path) -> str:
    return path.stem.split("_")[0]


@pytest.mark.parametrize("seed", range(5))
def test_what_is_learnt_from_shares_no_group_with_what_is_tested(seed: int):
    given, tested = benchmark.deal(groups(A=(3, 4, 5), B=(1, 1, 1)), 5, seed)
    assert {label for _, label in given} == {label for _, label in tested} == {"A", "B"}
    assert not {group_of(p) for p, _ in given} & {group_of(p) for p, _ in tested}
    assert len([1 for _, label in given if label == "A"]) <= 5
    assert len([1 for _, label in given if label == "B"]) == 2


def test_a_class_of_one_group_is_left_out():
    assert benchmark.deal(groups(A=(9,)), 5, 1) == ([], [])


def test_the_means_are_over_sources_and_seeds():
    row = {"count": 5, "seconds": 9.0, "before": {"own": 0.2, "others": 0.5}}
    rows = [{**row, "after": {"own": own, "others": 0.5}} for own in (0.4, 0.6)]
    assert benchmark.means(rows)["5"] == pytest.approx(
        {"own_before": 0.2, "own_after": 0.5, "others_before": 0.5, "others_after": 0.5,
         "longest_s": 9.0}
    )  # fmt: skip
