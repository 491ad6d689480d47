"""A stand-in that needs no model: for trying the server, the protocol and the live rules.

It answers by brightness: the darkest pictures are the first label, the brightest the last. So it
is deterministic, steady from one camera frame to the next, and every label can be produced.
"""

from __future__ import annotations

import numpy as np

from fingerspell.images import Pixels, fit
from fingerspell.labels import ALPHABET
from fingerspell.runtime.answer import (
    Answer,
    Batch,
    Probabilities,
    answer,
    check_batch,
    check_pixels,
)

CONFIDENCE = 0.9
"""Its confidence in every answer; the other labels share the rest."""


class MockRecogniser:
    """Same interface as `Recogniser`; says `mock` of itself everywhere."""

    mock = True
    name = "mock (answers by brightness, has learnt nothing)"
    labels = ALPHABET
    size_px = (200, 200)
    threshold = 0.7

    def probabilities(self, batch: Batch) -> Probabilities:
        """Returns float32 (N, labels) for float32 (N, H, W, 3) in [0, 1]."""
        check_batch(batch, self.size_px)
        count = len(self.labels)
        brightness = batch.mean(axis=(1, 2, 3), dtype=np.float64)
        best = np.minimum((brightness * count).astype(int), count - 1)
        rows = np.full((len(batch), count), (1 - CONFIDENCE) / (count - 1), np.float32)
        rows[np.arange(len(batch)), best] = CONFIDENCE
        return rows

    def recognise(self, rgb: Pixels) -> Answer:
        """Answers for one decoded picture (uint8 RGB, any size)."""
        check_pixels(rgb)
        row = self.probabilities(fit(rgb, self.size_px)[None])[0]
        return answer(row, self.labels, self.threshold)

    def grey_level(self, label: str) -> int:
        """Returns the grey level (0–255) that is answered with `label`."""
        return round((self.labels.index(label) + 0.5) / len(self.labels) * 255)
