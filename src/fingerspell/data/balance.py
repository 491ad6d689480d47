"""Class weights: rare classes count as much as common ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def class_weights(counts: Mapping[str, float], labels: Sequence[str]) -> NDArray[np.float32]:
    """Returns one weight a class, in the order of `labels`; 0 for a class that never comes.

        weight[c] = pictures / (classes with pictures * pictures of c)

    `counts` are the (expected) pictures of each class in an epoch: where the sampling has
    balanced the classes already, all weights are 1. The mean over the pictures is 1, so the
    learning rate keeps its meaning.
    """
    present = sum(1 for label in labels if counts.get(label))
    total = sum(counts.get(label, 0) for label in labels)
    weights = [total / (present * counts[x]) if counts.get(x) else 0.0 for x in labels]
    return np.asarray(weights, dtype=np.float32)
