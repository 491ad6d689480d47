"""Groups a user names are read as meant, or refused with what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fingerspell.errors import ConfigError, DataError
from fingerspell.prepare.examine import Picture
from fingerspell.prepare.records import Record, Row
from fingerspell.prepare.user_groups import _address, user_groups

HANDS = ("data/massey/A/hand1_a.jpg", "data/massey/A/hand2_a.jpg", "data/massey/B/hand1_b.jpg")


def pictures(*paths: str, source: str = "massey") -> list[Picture]:
    return [Picture(found(path, source), path, "0" * 32, 1, 1) for path in paths]


def found(path: str, source: str = "massey") -> Record:
    return Record(Path(path), Path(path).parent.name, source, 1, 1)


def table(folder: Path, *lines: str, header: str = "path,group") -> Path:
    path = folder / "groups.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8", newline="\n")
    return path


def test_nothing_asked_is_nothing_given() -> None:
    assert user_groups(pictures(*HANDS), "", None) is None


def test_a_pattern_names_groups_by_what_its_parentheses_hold() -> None:
    assert user_groups(pictures(*HANDS), r"hand(\d+)", None) == ["1", "2", "1"]


def test_several_parentheses_make_one_name() -> None:
    given = user_groups(pictures(*HANDS), r"/([A-Z])/hand(\d)(x)?", None)
    assert given == ["A/1", "A/2", "B/1"]


def test_a_picture_that_does_not_match_has_no_group() -> None:
    given = user_groups(pictures(*HANDS, "data/massey/B/other.jpg"), r"hand(\d+)", None)
    assert given == ["1", "2", "1", ""]


def test_the_word_source_groups_by_source() -> None:
    both = [*pictures("a/A/1.jpg", source="a"), *pictures("b/A/1.jpg", source="b")]
    assert user_groups(both, "source", None) == ["a", "b"]


def test_a_pattern_that_matches_nothing_is_refused_with_examples() -> None:
    with pytest.raises(DataError, match=r"none of 3 pictures: massey/A/hand1_a\.jpg") as caught:
        user_groups(pictures(*HANDS), r"signer(\d+)", None)
    assert "hand1_a" in caught.value.fix


@pytest.mark.parametrize("pattern", ["hand(", r"hand\d+", "*"])
def test_a_pattern_that_cannot_work_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigError, match=re.escape("parentheses")):
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


def test_a_table_names_groups_by_file_name_or_by_the_end_of_the_path(tmp_path: Path) -> None:
    csv = table(tmp_path, "hand1_a.jpg,ann", "B/hand1_b.jpg,ann", r"massey\A\hand2_a.jpg,bob")
    assert user_groups(pictures(*HANDS), "", csv) == ["ann", "bob", "ann"]


def test_a_picture_that_no_line_names_has_no_group(tmp_path: Path) -> None:
    assert user_groups(pictures(*HANDS), "", table(tmp_path, "hand2_a.jpg,bob")) == ["", "bob", ""]


def test_a_spreadsheets_table_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "groups.csv"
    path.write_bytes("\ufeffpath,who,group\r\nhand1_a.jpg,x,Zoë\r\n".encode())
    assert user_groups(pictures(*HANDS), "", path) == ["Zoë", "", ""]


def test_boxes_of_one_file_are_named_by_one_line(tmp_path: Path) -> None:
    twice = pictures("s/A/x.jpg", "s/A/x.jpg")
    assert user_groups(twice, "", table(tmp_path, "x.jpg,ann")) == ["ann", "ann"]


def test_a_line_about_a_file_that_was_skipped_is_no_error(tmp_path: Path) -> None:
    csv = table(tmp_path, "hand1_a.jpg,ann", "A/broken.jpg,ann")
    skipped = [Path("data/massey/A/broken.jpg")]
    assert user_groups(pictures(*HANDS), "", csv, skipped) == ["ann", "", ""]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["hand9_a.jpg,ann"], "line 2 of .* names hand9_a.jpg, which is no picture"),
        (["hand1_a.jpg,ann", "hand1_a.jpg,bob"], "puts hand1_a.jpg into ann and, line 3, bob"),
        (["hand1_a.jpg,"], "line 2 of .* lacks its group"),
        ([",ann"], "line 2 of .* lacks its path"),
        (["hand1_a.jpg"], "line 2 of .* lacks its group"),
    ],
)
def test_a_line_that_does_not_fit_is_refused(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        user_groups(pictures(*HANDS), "", table(tmp_path, *lines))


def test_a_name_that_fits_two_files_is_refused_with_both(tmp_path: Path) -> None:
    same = pictures("s/A/x.jpg", "s/B/x.jpg")
    with pytest.raises(DataError, match=r"x\.jpg may be .*s/A/x\.jpg or .*s/B/x\.jpg"):
        user_groups(same, "", table(tmp_path, "x.jpg,ann"))
    assert user_groups(same, "", table(tmp_path, "B/x.jpg,ann")) == ["", "ann"]


def test_a_line_longer_than_a_path_fits_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no picture"):
        user_groups(pictures("A/x.jpg"), "", table(tmp_path, "more/of/A/x.jpg,ann"))


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="columns file, group"):
        user_groups(pictures(*HANDS), "", table(tmp_path, header="file,group"))


def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "utf16.csv").write_text("path,group\n", encoding="utf-16")
    for name in ("absent.csv", "utf16.csv"):
        with pytest.raises(DataError, match=name):
            user_groups(pictures(*HANDS), "", tmp_path / name)


def test_a_line_may_name_the_whole_path(tmp_path: Path) -> None:
    found = pictures(str(tmp_path / "A" / "x.jpg"), str(tmp_path / "B" / "x.jpg"))
    named = user_groups(found, "", table(tmp_path, f"{(tmp_path / 'B' / 'x.jpg').as_posix()},ann"))
    assert named == ["", "ann"]


def test_accents_fit_however_they_are_stored(tmp_path: Path) -> None:
    found = pictures("s/A/e\u0301.jpg")
    assert user_groups(found, "", table(tmp_path, "\u00e9.jpg,ann")) == ["ann"]


def test_a_table_without_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="names no group at all"):
        user_groups(pictures("A/x.jpg"), "", table(tmp_path))
