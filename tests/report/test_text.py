"""A data set and a run are described in the same words everywhere."""

from pathlib import Path
from typing import Any

import pytest

from fingerspell.report import text
from helpers.evaluated import evaluated
from helpers.prepared_folder import report, run, two_classes


def named(count: int, **config: str) -> dict[str, Any]:
    known = {"named": count, "pictures": 18, "examples": ["A/7.jpg", "A/8.jpg"]}
    return report(two_classes(), named=known, config=config)


@pytest.mark.parametrize(
    ("count", "kind"),
    [(18, "groups named by {}"), (17, "groups named by {} or of near duplicates")],
)
@pytest.mark.parametrize(
    ("setting", "option"), [("group_by", "--group_by"), ("groups_csv", "--groups")]
)
def test_groups_are_called_what_they_are(count: int, kind: str, setting: str, option: str) -> None:
    said = text.data_headline(named(count, **{setting: "x"}))
    assert f"6 {kind.format(option)}, 1 source" in said


def test_pictures_without_a_named_group_are_counted_and_the_first_is_shown() -> None:
    assert text.naming(named(11, group_by="x")) == (
        "--group_by named the group of 11 of 18 pictures; first unnamed A/7.jpg; "
        "those without fall back to near duplicates"
    )
    assert "A/7.jpg" not in text.naming(named(11, group_by="x"), example=False)
    assert text.naming(named(18, groups_csv="x")) == "--groups named the group of all 18 pictures"
    assert text.naming(report(two_classes())) == ""


def test_classes_are_thin_by_their_pictures_not_by_their_groups() -> None:
    samples = [
        *two_classes(),
        *(s for n in range(5) for s in run("C", split="train", group=f"C{n}")),
        *(s for n in range(3) for s in run("D", split=("train", "test")[n % 2], group=f"D{n}")),
        *(s for split in ("train", "val", "test") for s in run("E", split=split, group="E")),
    ]
    assert text.thin(report(samples)) == [
        "no test pictures, so never tested: C",
        "tested, but none in val: D",
    ]


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 5, "0 %"), (5, 5, "100 %"), (1, 1000, "<1 %"), (999, 1000, ">99 %"), (0, 0, "0 %")],
)
def test_a_share_is_never_rounded_to_none_or_all(part: int, whole: int, said: str) -> None:
    assert text.part_of(part, whole) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0.0 %"), (1e-5, "<0.1 %"), (0.999, "99.9 %"), (0.99996, ">99.9 %"), (1, "100.0 %")],
)
def test_neither_is_a_share_with_a_decimal(share: float, said: str) -> None:
    assert text.percent(share) == said


def test_figures_carry_their_units_and_what_is_not_known_is_a_dash() -> None:
    assert text.percent(0.9516) == "95.2 %"
    assert text._span((0.931, 0.968)) == "93.1 – 96.8 %"
    assert text.duration(252) == "4 min 12 s"
    assert text.duration(4800) == "1 h 20 min"
    assert text.megabytes(1.2345e9) == "1,234 MB"
    for say in (text.percent, text._span, text.duration, text.megabytes):
        assert say(None) == "–"


def test_a_random_split_is_said_to_flatter() -> None:
    assert "flatters" in text.split_rule({"split_rule": "random"})
    assert "stay on one side" in text.split_rule({"split_rule": "groups"})
    assert text.split_rule({}) == "as the data set's folders say"


def test_the_console_is_told_a_run_in_a_few_lines() -> None:
    report = evaluated(unseen=True) | {"split": "test"}
    report["unseen_signers"]["hall"]["unreadable_pictures"] = ["/x/1.jpg", "/x/2.jpg"]
    report["unseen_signers"]["hall"]["unknown_classes"] = {"7": 1200, ".": 1}
    first, unseen, last = text.summary(Path("output"), report).splitlines()
    assert first.startswith("test accuracy 66.7 % (95 % over groups: ")
    assert "not exported, macro F1 0." in first
    assert unseen == (
        "unseen signers hall: 75.0 % of 26 letters, 75.0 % of the 24 static ones; "
        "2 that cannot be read left out, first /x/1.jpg; 1,201 of other classes left out: 7, ."
    )
    assert last == f"look at {Path('output') / 'report.html'}"
