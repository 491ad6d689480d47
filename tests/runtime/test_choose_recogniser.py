"""The bundle, or the mock."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from fingerspell.errors import BundleError, ConfigError
from fingerspell.images import encode_jpeg
from fingerspell.labels import ALPHABET
from fingerspell.runtime import MODEL_FILES, MockRecogniser, Recogniser, choose, choose_folder
from fingerspell.runtime.contract import FILE_NAME, read_contract
from helpers.tiny_bundle import tiny_bundle

choosing = sys.modules[choose.__module__]


def holding(folder: Path, *precisions: str) -> Path:
    """A bundle that holds and lists the models of some precisions only."""
    tiny_bundle(folder)
    whole = read_contract(folder)
    kept = {MODEL_FILES[precision] for precision in precisions}
    for name in set(MODEL_FILES.values()) - kept:
        (folder / name).unlink()
    files = {name: digest for name, digest in whole.files.items() if name in kept}
    text = dataclasses.replace(whole, files=files).to_json()
    (folder / FILE_NAME).write_text(text, encoding="utf-8")
    return folder


def test_the_stand_in_is_used_when_asked_for_by_1_and_not_by_yes(tmp_path: Path):
    predictor = choose(tmp_path / "no such folder", {"USE_MOCK_MODEL": "1"})
    assert predictor.mock is True and "mock" in predictor.name
    with pytest.raises(ConfigError, match="USE_MOCK_MODEL=yes"):
        choose(tmp_path, {"USE_MOCK_MODEL": "yes"})


@pytest.mark.parametrize("environment", [{}, {"USE_MOCK_MODEL": "0"}, {"USE_MOCK_MODEL": ""}])
def test_the_bundle_is_used_otherwise(tmp_path: Path, environment: dict[str, str]):
    predictor = choose(tiny_bundle(tmp_path), environment, precision="int8")
    assert predictor.mock is False and predictor.name == "TinyColours int8"


def test_the_stand_in_can_answer_every_label_through_a_jpeg_and_black_and_white():
    mock = MockRecogniser()
    for label in ALPHABET:
        grey = np.full((120, 120, 3), mock.grey_level(label), np.uint8)
        answer = mock.recognise(encode_jpeg(grey))
        assert answer.label == label and answer.accepted
        assert answer.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert mock.recognise(np.zeros((5, 5, 3), np.uint8)).label == ALPHABET[0]
    assert mock.recognise(np.full((5, 5, 3), 255, np.uint8)).label == ALPHABET[-1]


def test_what_is_asked_for_goes_before_a_run_in_output_before_the_released_one(tmp_path: Path):
    asked, starter, output = (tmp_path / name for name in ("mine", "starter", "output"))
    assert choose_folder(None, starter, output) == starter
    output.mkdir()
    assert choose_folder(None, starter, output) == output
    assert choose_folder(asked, starter, output) == asked


def test_the_word_starter_is_the_released_one_unless_a_folder_is_called_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    released = tmp_path / "released"
    assert choose_folder(Path("starter"), released) == released
    (tmp_path / "starter").mkdir()
    assert choose_folder(Path("starter"), released) == Path("starter")


@pytest.mark.parametrize("released", [True, False])
def test_without_a_bundle_every_way_out_is_named(tmp_path: Path, monkeypatch, released: bool):
    monkeypatch.setattr(choosing, "has_starter", lambda: released)
    with pytest.raises(
        BundleError, match=r"(?s)train_finetune.*--bundle.*USE_MOCK_MODEL=1"
    ) as said:
        choose(tmp_path, {})
    assert ("--bundle starter" in said.value.fix) is released
    monkeypatch.setattr(choosing, "STARTER", tmp_path)
    with pytest.raises(BundleError, match="this copy of the package") as said:
        choose(tmp_path, {})
    assert "--bundle starter" not in said.value.fix


@pytest.mark.parametrize(
    ("held", "answers"),
    [(("float32", "fp16", "int8"), "float32"), (("fp16",), "fp16"), (("int8", "fp16"), "fp16")],
)
def test_unless_asked_the_most_exact_model_of_a_bundle_answers(tmp_path: Path, held, answers: str):
    assert Recogniser.load(holding(tmp_path, *held)).precision == answers


def test_a_model_that_a_bundle_lacks_is_refused(tmp_path: Path):
    with pytest.raises(BundleError, match=r"(?s)no model\.tflite.*model_fp16\.tflite"):
        Recogniser.load(holding(tmp_path / "half", "fp16"), precision="float32")
    with pytest.raises(BundleError, match="lists no model"):
        Recogniser.load(holding(tmp_path / "none"))
    (tiny_bundle(tmp_path / "lost") / "model.tflite").unlink()
    with pytest.raises(BundleError, match=r"no model\.tflite"):
        Recogniser.load(tmp_path / "lost")
