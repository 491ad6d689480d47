"""Class names are read out of every usual `data.yaml`; anything doubtful is refused."""

from __future__ import annotations

import pytest

from fingerspell.prepare.layouts.boxes import _class_names, _has_names

ABC = {0: "A", 1: "B", 2: "C"}


@pytest.mark.parametrize(
    "text",
    [
        "names: ['A', 'B', 'C']",
        'nc: 3\nnames: ["A","B","C"]\nval: x\n',
        "names: [A, B, C]  # the classes\nnc: 3",
        "names: [\n  A,  # first\n  'B',\n  C,\n]\nnc: 3",
        "names:\n- A\n- B\n- C\nnc: 3\n",
        "names:\n  - A\n\n  - 'B'  # second\n  - \"C\"\n",
        "names:\n  0: A\n  1: B\n  2: 'C'\ntrain: x\n",
        "names: {0: A, 1: 'B', 2: C}",
        "train: ../train/images\r\nnames:\r\n- A\r\n- B\r\n- C\r\n",
        "path: x\nnames :\n  - A\n  - B\n  - C",
    ],
)
def test_every_usual_way_to_write_a_list_is_understood(text: str) -> None:
    assert _has_names(text)
    assert _class_names(text) == ABC


def test_names_are_text_whatever_yaml_would_make_of_them() -> None:
    assert _class_names("names: [N, no, 1, 007, ~]") == {
        0: "N", 1: "no", 2: "1", 3: "007", 4: "~",
    }  # fmt: skip


def test_quotes_and_signs_inside_names_are_kept() -> None:
    text = "names: ['don''t', \"a,b\", 'x]y', 'c # d', thank you, a#b]"
    assert list(_class_names(text).values()) == ["don't", "a,b", "x]y", "c # d", "thank you", "a#b"]


def test_keys_that_say_nothing_of_classes_are_passed_over() -> None:
    text = "path: ../x  # root\nroboflow:\n  names: [X]\n  url: https://x.y/z\nnames: [A, B, C]\n"
    assert _class_names(text) == ABC
    assert _class_names("letters: &all [A, B, C]\nnames: *all") == ABC


def test_a_map_may_leave_numbers_out() -> None:
    assert _class_names("names:\n  3: D\n  7: H") == {3: "D", 7: "H"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nc: 3", "no `names:`"),
        ("model:\n  names: [A]", "no `names:`"),
        ("names: A", "is no list"),
        ("names:\nnc: 3", "is empty"),
        ("names: []", "is empty"),
        ("names: [A, B", "this is no YAML .*line 1: expected ',' or ']'"),
        ("names: [A,, B]", "this is no YAML .*line 1: "),
        ("names:\n  - 'A", "this is no YAML .*line 2: "),
        ("names:\n\t- A", "this is no YAML .*line 2: "),
        ('names: [A]\nval: "C:\\data"', "this is no YAML .*line 2: "),
        ("names: [A]\nval: \x00", "this is no YAML"),
        ("names: " + "[" * 5000, "this is no YAML"),
        ("names: [A]\nnc: 1\nnames: [B]", "stands twice"),
        ("- names", "no `names:`"),
        ("", "no `names:`"),
        ("names: ['']", "line 1 is no name"),
        ("names:\n  - A\n  -", "line 3 is no name"),
        ("names: [[A], B]", "is no name"),
        ("names: [A, {b: 1}]", "is no name"),
        ("names: {A, B}", "is no number"),
        ("names: [0: A]", "is no name"),
        ("names:\n  - A\n  - [B]", "is no name"),
        ("names:\n  a: b", "is no number of a class, line 2"),
        ("names:\n  0: A\n  0: B", "named twice"),
    ],
)
def test_what_is_doubtful_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        _class_names(text)
