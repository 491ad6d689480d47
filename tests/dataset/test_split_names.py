"""Names that speak of a split."""

from __future__ import annotations

import pytest

from fingerspell.dataset.manifest import is_split_name, split_of


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("asl_alphabet_train", "train"),
        ("Test_Alphabet", "test"),
        ("val2017", "val"),
        ("VALID", "val"),
        ("validation-set", "val"),
        ("train_val", ""),
        ("trainer", ""),
        ("contest", ""),
        ("A", ""),
        ("12", ""),
    ],
)
def test_a_split_is_a_word_of_its_own(name: str, split: str) -> None:
    assert split_of(name) == split


@pytest.mark.parametrize(
    ("name", "only"), [("TEST", True), ("train2017", True), ("test_sign", False), ("A", False)]
)
def test_a_split_name_says_nothing_else(name: str, only: bool) -> None:
    assert is_split_name(name) is only
