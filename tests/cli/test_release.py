"""Hands to compare a release on, drawn for whatever labels the run has."""

from types import SimpleNamespace

import numpy as np
import pytest

from fingerspell.cli import release
from fingerspell.errors import ExportError
from fingerspell.export.parity import LEAST_PICTURES
from fingerspell.labels import ALPHABET, STATIC_LETTERS


def draw_quickly(sign, seed, size_px):
    """Hands that are told apart by their sign and seed; drawing hundreds takes long."""
    grey = (31 * seed + sum(sign.encode())) % 256
    return SimpleNamespace(rgb=np.full((*size_px, 3), grey, np.uint8))


@pytest.mark.parametrize("labels", [ALPHABET, STATIC_LETTERS, ("A", "B", "hello")])
def test_there_are_enough_for_any_number_of_classes(monkeypatch, labels):
    monkeypatch.setattr("fingerspell.synth.draw", draw_quickly)
    pictures = release.synthetic(labels, (32, 32))
    assert LEAST_PICTURES <= len(pictures) < 2 * LEAST_PICTURES
    assert pictures.shape[1:] == (32, 32, 3) and 0 <= pictures.min() < pictures.max() <= 1
    assert labels != ALPHABET or len(pictures) == 8 * 29


def test_no_two_are_alike(monkeypatch):
    """Truly drawn, but only a few."""
    monkeypatch.setattr("fingerspell.export.parity.LEAST_PICTURES", 20)
    pictures = release.synthetic(("A", "B"), (32, 32))
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


def test_of_ones_own_signs_alone_no_hand_can_be_synthetic():
    with pytest.raises(ExportError, match="no label that can be drawn"):
        release.synthetic(("hello", "stop"), (32, 32))
