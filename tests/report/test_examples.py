"""Few pictures and bins that stand for many."""

from collections import Counter
from itertools import pairwise

from fingerspell.dataset.manifest import HELD_OUT, Sample
from fingerspell.report import data_quality as quality


def run(group: str, count: int, split: str = "train", source: str = "one") -> list[Sample]:
    return [
        Sample(f"{split}/A/{group}-{i:03}.jpg", "A", split, group, source, "", "", 9, 9)
        for i in range(count)
    ]


def test_even_choices_reach_both_ends_and_are_distinct() -> None:
    assert quality.evenly(range(100), 3) == [0, 49, 99]
    assert quality.evenly("abc", 8) == ["a", "b", "c"]
    assert quality.evenly(range(5), 1) == [2]
    assert quality.evenly(range(5), 0) == []
    for count in range(2, 30):
        steps = {b - a for a, b in pairwise(quality.evenly(range(30), count))}
        assert min(steps) > 0 and max(steps) - min(steps) <= 1
        assert len(quality.evenly(range(30), count)) == count


def test_a_class_is_shown_from_every_split_and_many_groups() -> None:
    samples = [s for g in range(20) for s in run(f"t{g:02}", 10)]
    samples += run("v", 30, "val") + run("w", 1, "val") + run("x", 40, "test", "two")
    chosen = quality.of_class(samples, 8)
    assert Counter(s.split for s in chosen) == {"train": 3, "val": 3, "test": 2}
    assert len({s.group for s in chosen if s.split == "train"}) == 3
    assert {s.group for s in chosen if s.split == "val"} == {"v", "w"}
    assert len(set(chosen)) == 8


def test_a_split_with_few_pictures_leaves_its_room_to_others() -> None:
    chosen = quality.of_class(run("t", 50) + run("v", 1, "val"), 8)
    assert Counter(s.split for s in chosen) == {"train": 7, "val": 1}
    assert quality.of_class(run("t", 3), 8) == run("t", 3)
    assert quality.of_class(run("t", 3), 0) == []


def test_unseen_signers_come_after_the_usual_splits() -> None:
    samples = run("s", 1, HELD_OUT) + run("x", 1, "test") + run("t", 1)
    assert quality.split_order(samples) == ("train", "test", HELD_OUT)
    assert [s.split for s in quality.of_class(samples, 8)] == ["train", "test", HELD_OUT]


def test_the_largest_groups_come_first_and_single_pictures_never() -> None:
    samples = run("b", 3) + run("c", 5) + run("a", 3) + run("alone", 1)
    assert [part[0].group for part in quality.largest_groups(samples, 9)] == ["c", "a", "b"]
    assert [len(part) for part in quality.largest_groups(samples, 1)] == [5]


def test_each_group_speaks_once() -> None:
    assert quality._first_of_groups(run("b", 3) + run("a", 2)) == [run("b", 1)[0], run("a", 1)[0]]


def test_each_value_falls_into_one_bin() -> None:
    assert quality._histogram([0, 0.1, 0.19, 0.2, 1.0, 7, -1], [0, 0.1, 0.2, 1]) == [2, 2, 3]
