"""Groups a user names are read as meant, or refused with what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fingerspell.errors import ConfigError, DataError
from fingerspell.prepare.examine import Picture
from fingerspell.prepare.records import Record, Row
from fingerspell.prepare.user_groups import _address, user_groups
from helpers.synthetic_folder import groups_table

HANDS = ("data/massey/A/hand1_a.jpg", "data/massey/A/hand2_a.jpg", "data/massey/B/hand1_b.jpg")


def found(path: str, source: str = "massey") -> Record:
    return Record(Path(path), Path(path).parent.name, source, 1, 1)


def pictures(*paths: str, source: str = "massey") -> list[Picture]:
    return [Picture(found(path, source), path, "0" * 32, 1, 1) for path in paths]


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("", None),
        (r"hand(\d+)", ["1", "2", "1", "", ""]),
        (r"/([A-Z])/hand(\d)(x)?", ["A/1", "A/2", "B/1", "", ""]),
        ("source", ["massey"] * 4 + ["b"]),
    ],
    ids=["nothing asked", "in parentheses", "several make one name", "the word source"],
)
def test_a_pattern_names_groups_and_a_picture_that_does_not_match_has_none(
    pattern: str, named: list[str] | None
) -> None:
    seen = [*pictures(*HANDS, "data/massey/B/other.jpg"), *pictures("b/A/1.jpg", source="b")]
    assert user_groups(seen, pattern, None) == named


def test_a_person_of_two_sources_is_two_and_a_picture_without_one_has_no_group() -> None:
    records = [replace(found(f"{s}/hi/1.jpg", s), person=who) for s in "ab" for who in ("", "ann")]
    seen = [Picture(record, "", "0" * 32, 1, 1) for record in records]
    assert user_groups(seen, "", None) == ["", "a/ann", "", "b/ann"]


def test_a_pattern_that_matches_nothing_or_cannot_work_is_refused_with_examples() -> None:
    with pytest.raises(DataError, match=r"none of 3 pictures: massey/A/hand1_a\.jpg") as caught:
        user_groups(pictures(*HANDS), r"signer(\d+)", None)
    assert "hand1_a" in caught.value.fix
    for pattern in ("hand(", r"hand\d+", "*"):
        with pytest.raises(ConfigError, match="parentheses"):
            user_groups(pictures(*HANDS), pattern, None)


@pytest.mark.parametrize(
    ("path", "source", "seen"),
    [
        ("/pictures/of/hand7/massey/A/x.jpg", "massey", "massey/A/x.jpg"),
        ("massey/massey/A/x.jpg", "massey", "massey/A/x.jpg"),
        ("/data/massey/ann/day1/A/x.jpg", "massey", "massey/ann/day1/A/x.jpg"),
        ("/b/massey/A/x.jpg", "massey_2", "massey_2/A/x.jpg"),
        ("/b/run_2/A/x.jpg", "run_2", "run_2/A/x.jpg"),
        ("/b/other/day1/A/x.jpg", "linked", "linked/day1/A/x.jpg"),
    ],
)
def test_what_lies_above_the_source_is_not_seen(path: str, source: str, seen: str) -> None:
    assert _address(found(path, source)) == seen


def test_a_row_of_a_table_lies_in_it_as_in_a_folder() -> None:
    row = Record(Path("s/train.csv"), "A", "s", 1, 1, part=Row(0, 1), name="row_7.png")
    assert _address(row) == "s/train.csv/row_7.png"


@pytest.mark.parametrize(
    ("paths", "lines", "named"),
    [
        (
            HANDS,
            ["hand1_a.jpg,ann", "B/hand1_b.jpg,ann", r"massey\A\hand2_a.jpg,bob"],
            ["ann", "bob", "ann"],
        ),
        (HANDS, ["hand2_a.jpg,bob"], ["", "bob", ""]),
        (["s/A/x.jpg", "s/A/x.jpg"], ["x.jpg,ann"], ["ann", "ann"]),
        (["s/A/x.jpg", "s/B/x.jpg"], ["B/x.jpg,ann"], ["", "ann"]),
        (["/s/A/x.jpg", "/s/B/x.jpg"], ["/s/B/x.jpg,ann"], ["", "ann"]),
        (["s/A/e\u0301.jpg"], ["\u00e9.jpg,ann"], ["ann"]),
    ],
    ids=["names and ends", "a few", "boxes of one file", "called alike", "the whole", "accents"],
)
def test_a_table_names_groups_by_file_name_or_by_the_end_of_the_path(
    tmp_path: Path, paths: Sequence[str], lines: list[str], named: list[str]
) -> None:
    assert user_groups(pictures(*paths), "", groups_table(tmp_path, *lines)) == named


def test_a_table_from_a_spreadsheet_may_name_a_file_that_was_skipped(tmp_path: Path) -> None:
    path = tmp_path / "groups.csv"
    lines = ["path,who,group", "hand1_a.jpg,x,Zoë", "A/broken.jpg,x,ann", ""]
    path.write_bytes(("\ufeff" + "\r\n".join(lines)).encode())
    skipped = [Path("data/massey/A/broken.jpg")]
    assert user_groups(pictures(*HANDS), "", path, skipped) == ["Zoë", "", ""]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["hand9_a.jpg,ann"], "line 2 of .* names hand9_a.jpg, which is no picture"),
        (["more/of/data/massey/A/hand1_a.jpg,ann"], "line 2 of .* which is no picture"),
        (["hand1_a.jpg,ann", "hand1_a.jpg,bob"], "puts hand1_a.jpg into ann and, line 3, bob"),
        (["hand1_a.jpg,"], "line 2 of .* lacks its group"),
        ([",ann"], "line 2 of .* lacks its path"),
        (["hand1_a.jpg"], "line 2 of .* lacks its group"),
        (["x.jpg,ann"], r"x\.jpg may be .*s/A/x\.jpg or .*s/B/x\.jpg"),
        ([], "names no group at all"),
    ],
)
def test_a_line_that_does_not_fit_is_refused(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        user_groups(pictures(*HANDS, "s/A/x.jpg", "s/B/x.jpg"), "", groups_table(tmp_path, *lines))


def test_a_table_that_cannot_be_read_or_has_other_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "utf16.csv").write_text("path,group\n", encoding="utf-16")
    for name in ("absent.csv", "utf16.csv"):
        with pytest.raises(DataError, match=f"cannot read .*{name}"):
            user_groups(pictures(*HANDS), "", tmp_path / name)
    with pytest.raises(DataError, match="columns file, group"):
        user_groups(pictures(*HANDS), "", groups_table(tmp_path, header="file,group"))
