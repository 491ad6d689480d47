"""Hands to compare a release on, drawn for whatever labels the run has."""

import pytest

from fingerspell.cli import release
from fingerspell.errors import ExportError
from fingerspell.export.parity import LEAST_PICTURES
from fingerspell.labels import ALPHABET, STATIC_LETTERS


@pytest.mark.parametrize("labels", [ALPHABET, STATIC_LETTERS, ("A", "B", "hello")])
def test_there_are_enough_for_any_number_of_classes(labels):
    pictures = release.synthetic(labels, (32, 32))
    assert LEAST_PICTURES <= len(pictures) < 2 * LEAST_PICTURES
    assert pictures.shape[1:] == (32, 32, 3) and 0 <= pictures.min() < pictures.max() <= 1


def test_the_usual_labels_are_compared_on_eight_hands_each():
    assert len(release.synthetic(ALPHABET, (32, 32))) == 8 * 29


def test_no_two_are_alike():
    pictures = release.synthetic(("A", "B"), (32, 32))
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


def test_of_ones_own_signs_alone_no_hand_can_be_synthetic():
    with pytest.raises(ExportError, match="no label that can be drawn"):
        release.synthetic(("hello", "stop"), (32, 32))
