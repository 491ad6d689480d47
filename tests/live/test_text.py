"""What a counted sign does to the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerspell.labels import ALPHABET
from fingerspell.live.session import written


@pytest.mark.parametrize(
    ("text", "label", "after"),
    [
        ("", "A", "A"),
        ("A", "A", "AA"),
        ("A", "space", "A "),
        ("A ", "space", "A "),
        ("", "space", ""),
        ("AB", "del", "A"),
        ("A ", "del", "A"),
        ("", "del", ""),
        ("A", "5", "A5"),
    ],
)
def test_a_sign_does_to_the_text_what_its_name_says(text: str, label: str, after: str):
    assert written(text, label, 100) == after


def test_a_full_text_keeps_what_it_has_and_can_still_be_deleted_from():
    assert written("ABC", "D", 3) == "ABC"
    assert written("ABC", "space", 3) == "ABC"
    assert written("ABC", "del", 3) == "AB"


@given(st.lists(st.sampled_from([x for x in ALPHABET if x != "nothing"])), st.integers(1, 20))
def test_no_row_of_signs_makes_two_spaces_a_space_at_the_start_or_too_long_a_text(
    labels: list[str], max_chars: int
):
    text = ""
    for label in labels:
        text = written(text, label, max_chars)
    assert "  " not in text and not text.startswith(" ") and len(text) <= max_chars
