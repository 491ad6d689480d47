"""What a counted sign does to the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerspell.labels import ALPHABET
from fingerspell.live.session import _written


@pytest.mark.parametrize(
    ("signs", "text"),
    [
        ("", ""),
        ("A A", "AA"),
        ("A space", "A "),
        ("A space space", "A "),
        ("space", ""),
        ("A B del", "A"),
        ("A space del", "A"),
        ("del", ""),
        ("A 5", "A5"),
        # What one sign wrote is taken back as a whole, however long its label is.
        ("A SCH del", "A"),
        ("A LL U del del", "A"),
        ("A \u270c\ufe0f del", "A"),
        ("hello space del del", ""),
        # A full text keeps what it has, and can still be deleted from.
        ("A B C D E F", "ABCDE"),
        ("A B C D E space", "ABCDE"),
        ("A B C SCH", "ABC"),
        ("A B C D E F del", "ABCD"),
    ],
)
def test_a_sign_does_to_the_text_what_its_name_says(signs: str, text: str):
    assert "".join(written(signs.split(), 5)) == text


def written(labels: list[str], max_chars: int) -> tuple[str, ...]:
    signs: tuple[str, ...] = ()
    for label in labels:
        signs = _written(signs, label, max_chars)
    return signs


@given(st.lists(st.sampled_from([x for x in ALPHABET if x != "nothing"])), st.integers(1, 20))
def test_no_row_of_signs_makes_two_spaces_a_space_at_the_start_or_too_long_a_text(
    labels: list[str], max_chars: int
):
    text = "".join(written(labels, max_chars))
    assert "  " not in text and not text.startswith(" ") and len(text) <= max_chars
