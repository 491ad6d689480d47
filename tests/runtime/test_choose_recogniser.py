"""The bundle, or the stand-in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fingerspell.errors import BundleError, ConfigError
from fingerspell.images import decode, encode_jpeg
from fingerspell.labels import ALPHABET
from fingerspell.runtime import MockRecogniser, choose
from helpers.tiny_bundle import tiny_bundle


def test_the_stand_in_is_used_when_asked_for_and_says_so(tmp_path: Path):
    reader = choose(tmp_path / "no such folder", {"USE_MOCK_MODEL": "1"})
    assert reader.mock is True and "mock" in reader.name


@pytest.mark.parametrize("environment", [{}, {"USE_MOCK_MODEL": "0"}, {"USE_MOCK_MODEL": ""}])
def test_the_bundle_is_used_otherwise(tmp_path: Path, environment: dict[str, str]):
    reader = choose(tiny_bundle(tmp_path), environment, precision="int8")
    assert reader.mock is False and reader.name == "TinyColours int8"


def test_without_a_bundle_both_ways_out_are_named(tmp_path: Path):
    with pytest.raises(BundleError, match=r"(?s)train_finetune.*--bundle.*USE_MOCK_MODEL=1"):
        choose(tmp_path, {})


def test_a_variable_that_is_neither_0_nor_1_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="USE_MOCK_MODEL=yes"):
        choose(tmp_path, {"USE_MOCK_MODEL": "yes"})


@pytest.mark.parametrize("label", ALPHABET)
def test_the_stand_in_can_answer_every_label_through_a_jpeg(label: str):
    mock = MockRecogniser()
    grey = np.full((120, 120, 3), mock.grey_level(label), np.uint8)
    answer = mock.recognise(decode(encode_jpeg(grey)))
    assert answer.label == label and answer.accepted
    assert answer.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_the_stand_in_answers_black_and_white_within_its_labels():
    mock = MockRecogniser()
    assert mock.recognise(np.zeros((5, 5, 3), np.uint8)).label == ALPHABET[0]
    assert mock.recognise(np.full((5, 5, 3), 255, np.uint8)).label == ALPHABET[-1]
