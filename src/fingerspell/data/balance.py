"""Class weights: rare classes count as much as common ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def class_weights(sample_labels: Sequence[str], labels: Sequence[str]) -> NDArray[np.float32]:
    """Returns one weight a class, in the order of `labels`; 0 for a class without samples.

        weight[c] = samples / (classes with samples * samples of c)

    The mean over the samples is 1, so the learning rate keeps its meaning.
    """
    counts = Counter(sample_labels)
    present = sum(1 for label in labels if counts[label])
    total = sum(counts[label] for label in labels)
    weights = [total / (present * counts[x]) if counts[x] else 0.0 for x in labels]
    return np.asarray(weights, dtype=np.float32)
