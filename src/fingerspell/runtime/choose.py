"""Chooses the predictor of a command: a run's bundle, the released recogniser, or the mock."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fingerspell.assets import STARTER, has_starter
from fingerspell.errors import BundleError, ConfigError, require
from fingerspell.images import Picture, fit
from fingerspell.labels import ALPHABET, chosen_labels
from fingerspell.runtime.answer import (
    Allowed,
    Answer,
    Batch,
    Predictor,
    Probabilities,
    answer,
    check_batch,
    only,
    pixels_of,
)
from fingerspell.runtime.contract import FILE_NAME, STANDARD_THRESHOLD
from fingerspell.runtime.model_file import is_model, open_model
from fingerspell.runtime.recogniser import Recogniser
from fingerspell.runtime.square import Square

_MOCK_VARIABLE = "USE_MOCK_MODEL"

_OUTPUT = Path("output")
"""Where training puts its run by default."""

_WORD = "starter"
"""What a command calls the released recogniser."""

_CONFIDENCE = 0.9
"""Its confidence in every answer; the other labels share the rest."""


def choose(
    bundle: Path,
    environment: Mapping[str, str],
    *,
    precision: str = "auto",
    threads: int = 1,
    threshold: float | None = None,
    labels: Allowed = None,
) -> Predictor:
    """Returns the recogniser to use; raises `BundleError` that names the ways out.

    `bundle` is a folder, or one model of those that `model_file.open_model` opens.
    `threshold` takes the place of the bundle's; `labels` are those allowed (`A-Z`).
    """
    if _wants_mock(environment):
        return MockRecogniser(threshold or STANDARD_THRESHOLD, labels)
    if is_model(bundle):
        require(
            precision == "auto",
            found=f"--precision {precision} with {bundle}, which is one model",
            expected="a bundle, which holds several",
            fix="omit --precision, or name the bundle's folder",
        )
        return open_model(bundle, threads=threads, threshold=threshold, labels=labels)
    if not (bundle / FILE_NAME).is_file():
        where = "this copy of the package" if bundle == STARTER else bundle
        offered = has_starter() and bundle != STARTER
        word = f"take the released one with --bundle {_WORD}, " if offered else ""
        raise BundleError(
            found=f"no trained recogniser in {where} ({FILE_NAME} is missing)",
            expected="the output folder of a finished training run, or one model beside its "
            "labels: a .tflite file, a SavedModel folder or a frozen graph (.pb)",
            fix="train first (python backend/train_finetune.py --dataset_dir dataset), name the "
            f"folder with --bundle, {word}or set {_MOCK_VARIABLE}=1 for a mock without a model",
        )
    return Recogniser.load(
        bundle, precision=precision, threads=threads, threshold=threshold, labels=labels
    )


def choose_folder(asked: Path | None, starter: Path = STARTER, output: Path = _OUTPUT) -> Path:
    """Returns the bundle's folder: the one asked for, else `output` where it is there, else
    `starter`, the released recogniser, which also the word `starter` means."""
    if asked is None:
        return output if output.exists() else starter
    return starter if str(asked) == _WORD and not asked.exists() else asked


def _wants_mock(environment: Mapping[str, str]) -> bool:
    """Reads USE_MOCK_MODEL: 1 the mock, 0 or unset the trained model."""
    value = environment.get(_MOCK_VARIABLE, "").strip()
    if value not in ("", "0", "1"):
        raise ConfigError(
            found=f"{_MOCK_VARIABLE}={value}",
            expected="0 (the trained model) or 1 (a mock that needs no model)",
            fix=f"unset {_MOCK_VARIABLE}, or set it to 0 or 1",
        )
    return value == "1"


class MockRecogniser:
    """A `Predictor` without a model: answers by brightness, for trying server and scripts."""

    mock = True
    name = "mock (answers by brightness, has learnt nothing)"
    labels = ALPHABET
    size_px = (200, 200)

    def __init__(self, threshold: float = STANDARD_THRESHOLD, labels: Allowed = None) -> None:
        self.threshold = threshold
        self.allowed = chosen_labels(labels, self.labels)

    def probabilities(self, batch: Batch) -> Probabilities:
        """Returns float32 (N, labels) for float32 (N, H, W, 3) in [0, 1]."""
        return only(self._rows(batch), self.labels, self.allowed)

    def _rows(self, batch: Batch) -> Probabilities:
        check_batch(batch, self.size_px)
        count = len(self.labels)
        brightness = batch.mean(axis=(1, 2, 3), dtype=np.float64)
        best = np.minimum((brightness * count).astype(int), count - 1)
        rows = np.full((len(batch), count), (1 - _CONFIDENCE) / (count - 1), np.float32)
        rows[np.arange(len(batch)), best] = _CONFIDENCE
        return rows

    def recognise(self, picture: Picture, labels: Allowed = None) -> Answer:
        """Returns the answer for one picture: a path, encoded bytes, or uint8 RGB of any size."""
        return self.watch(picture, labels)[0]

    def watch(self, picture: Picture, labels: Allowed = None) -> tuple[Answer, Square | None]:
        """Returns the answer for one picture; it knows no hand's square."""
        rows = self._rows(fit(pixels_of(picture), self.size_px)[None])
        allowed = self.allowed if labels is None else chosen_labels(labels, self.labels)
        return answer(only(rows, self.labels, allowed)[0], self.labels, self.threshold), None

    def grey_level(self, label: str) -> int:
        """Returns the grey level (0–255) that is answered with `label`."""
        return round((self.labels.index(label) + 0.5) / len(self.labels) * 255)
