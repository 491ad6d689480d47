"""A first guess for classes that a trained head does not know yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def imprint(
    kernel: Floats, bias: Floats, features: Mapping[str, Floats], new: Sequence[str]
) -> tuple[Floats, Floats]:
    """Returns kernel (F, C) and bias (C,) with the columns of the classes `new` filled in.

        w = scale * (mean(class) - mean(all)) / |mean(class) - mean(all)|

    `features` maps every label, in order, to features (N, F) of some of its pictures. `scale` is
    the usual length of a known class's weights, and the bias makes the class as likely on its own
    pictures as the best known one. Reference: Qi et al., Low-Shot Learning with Imprinted
    Weights, CVPR 2018.
    """
    labels = list(features)
    known = [i for i, label in enumerate(labels) if label not in new]
    scale = np.linalg.norm(kernel[:, known], axis=0).mean()
    middle = np.mean([rows.mean(axis=0) for rows in features.values()], axis=0)
    kernel, bias = kernel.copy(), bias.copy()
    for label in new:
        rows, column = features[label], labels.index(label)
        apart = rows.mean(axis=0) - middle
        kernel[:, column] = scale * apart / max(np.linalg.norm(apart), np.finfo(np.float32).tiny)
        best = (rows @ kernel[:, known] + bias[known]).max(axis=1)
        bias[column] = (best - rows @ kernel[:, column]).mean()
    return kernel, bias
