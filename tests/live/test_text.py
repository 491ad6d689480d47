"""What a counted sign does to the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerspell.labels import ALPHABET
from fingerspell.live.session import _written


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
        # A full text keeps what it has, and can still be deleted from.
        ("ABC", "D", "ABC"),
        ("ABC", "space", "ABC"),
        ("ABC", "del", "AB"),
    ],
)
def test_a_sign_does_to_the_text_what_its_name_says(text: str, label: str, after: str):
    assert _written(text, label, 3) == after


@given(st.lists(st.sampled_from([x for x in ALPHABET if x != "nothing"])), st.integers(1, 20))
def test_no_row_of_signs_makes_two_spaces_a_space_at_the_start_or_too_long_a_text(
    labels: list[str], max_chars: int
):
    text = ""
    for label in labels:
        text = _written(text, label, max_chars)
    assert "  " not in text and not text.startswith(" ") and len(text) <= max_chars
