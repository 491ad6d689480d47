"""One data set is told in the same words wherever it is told."""

from __future__ import annotations

from typing import Any

import pytest

from fingerspell.data.wording import headline, naming, thin
from helpers.prepared_folder import report, run, two_classes


def named(count: int, **config: str) -> dict[str, Any]:
    told = report(
        two_classes(), named={"named": count, "pictures": 18, "examples": ["A/7.jpg", "A/8.jpg"]}
    )
    told["config"] |= config
    return told


def test_held_out_pictures_are_counted_apart() -> None:
    away = run("A", "garden", split="unseen_signers", group="garden/A/1", pictures=4)
    assert headline(report([*two_classes(), *away])) == (
        "18 pictures + 4 held out, 2 classes, 6 groups of near duplicates, 1 source(s) + 1 held out"
    )
    assert headline(report(two_classes())) == (
        "18 pictures, 2 classes, 6 groups of near duplicates, 1 source(s)"
    )


@pytest.mark.parametrize(
    ("count", "kind"),
    [(18, "groups named by {}"), (17, "groups named by {} or of near duplicates")],
)
@pytest.mark.parametrize(
    ("setting", "option"), [("group_by", "--group_by"), ("groups_csv", "--groups")]
)
def test_groups_are_called_what_they_are(count: int, kind: str, setting: str, option: str) -> None:
    assert f"6 {kind.format(option)}, 1 source" in headline(named(count, **{setting: "x"}))


def test_pictures_without_a_named_group_are_counted_and_the_first_is_shown() -> None:
    assert naming(named(11, group_by="x")) == (
        "--group_by named the group of 11 of 18 pictures; first unnamed A/7.jpg; "
        "those without fall back to near duplicates"
    )
    assert "A/7.jpg" not in naming(named(11, group_by="x"), example=False)
    assert naming(named(18, groups_csv="x")) == "--groups named the group of all 18 pictures"
    assert naming(report(two_classes())) == ""


def test_classes_are_thin_by_their_pictures_not_by_their_groups() -> None:
    samples = [
        *two_classes(),
        *(s for n in range(5) for s in run("C", split="train", group=f"C{n}")),
        *(s for n in range(3) for s in run("D", split=("train", "test")[n % 2], group=f"D{n}")),
        *(s for split in ("train", "val", "test") for s in run("E", split=split, group="E")),
    ]
    assert thin(report(samples)) == [
        "no test pictures, so never tested: C",
        "tested, but none in val: D",
    ]
