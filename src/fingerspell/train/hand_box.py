"""Trains the hand localisation of a network on synthetic hands, whose boxes are known."""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell.config.train import AugmentConfig
from fingerspell.images import Pixels
from fingerspell.labels import LETTERS, NOTHING
from fingerspell.loading.augment import augment
from fingerspell.model import size_of
from fingerspell.model.hand_crop import HandBox, grid_network
from fingerspell.progress import Progress
from fingerspell.synth.picture import draw

_Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels; all 0 where there is no hand."""

_HANDS = 900
_SCENES = 150
"""Synthetic pictures without a hand: backgrounds of the others, and negative examples."""

_PLACED = 3
"""How often each hand is used, each time at another position and size."""

_SMALLEST = 0.3
_BATCH = 50
_RIDGE = 1e-3
_NEWTON_STEPS = 12


def train_hand_box(model: keras.Model, changes: AugmentConfig, seed: int) -> HandBox:
    """Fits the hand localisation of `model`: which cells of its feature grid show a hand.

    Logistic regression on the features of the frozen backbone. The pictures are synthetic hands at
    any position, from the whole picture down to less than a third of its sides, before rendered
    scenes, with the colours and damage of `changes`. The same model and seed give the same numbers.
    """
    network, size_px = grid_network(model), size_of(model)
    grid = tuple(int(side) for side in network.output_shape[1:3])
    rows, targets = [], []
    with Progress(_HANDS * _PLACED + _SCENES, "hand localisation", "picture") as bar:
        for pictures, boxes in _batches(_pictures(size_px, changes, seed)):
            features = np.asarray(network.predict_on_batch(pictures), np.float64)
            rows.append(features.reshape(-1, features.shape[-1]))
            targets.append(np.stack([_cell_shares(box, size_px, grid) for box in boxes]).ravel())
            bar.advance(len(boxes))
    return _fit_logistic(np.concatenate(rows), np.concatenate(targets))


def _cell_shares(box: _Box, size_px: tuple[int, int], grid: tuple[int, ...]) -> NDArray[np.float64]:
    """Returns how much of each cell of a grid (h, w) a box covers, from 0 to 1."""
    x0, y0, x1, y1 = box
    across = _covered(x0, x1, size_px[1], grid[1])
    return np.outer(_covered(y0, y1, size_px[0], grid[0]), across)


def _covered(start: float, end: float, side_px: int, count: int) -> NDArray[np.float64]:
    cell = side_px / count
    edges = np.arange(count) * cell
    covered = np.minimum(edges + cell, end) - np.maximum(edges, start)
    return np.asarray(np.clip(covered / cell, 0.0, 1.0))


def _fit_logistic(rows: NDArray[np.float64], targets: NDArray[np.float64]) -> HandBox:
    """Fits a logistic regression of shares (N,) on rows (N, C), by Newton's method."""
    mean, deviation = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    x = np.column_stack([(rows - mean) / deviation, np.ones(len(rows))])
    weights = np.zeros(x.shape[1])
    for _ in range(_NEWTON_STEPS):
        predicted = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (targets - predicted) / len(x) - _RIDGE * weights
        hessian = (x * (predicted * (1 - predicted))[:, None]).T @ x / len(x) + _RIDGE * np.eye(
            x.shape[1]
        )
        weights += np.linalg.solve(hessian, gradient)
    kernel = weights[:-1] / deviation
    return HandBox(kernel.astype(np.float32), float(weights[-1] - mean @ kernel))


def _pictures(
    size_px: tuple[int, int], changes: AugmentConfig, seed: int
) -> Iterator[tuple[Pixels, _Box]]:
    """Yields pictures uint8 (h, w, 3) and the box of the hand in each."""
    rng = np.random.default_rng([seed, 8])
    still = replace(
        changes, rotate_deg=0.0, shift=0.0, zoom=0.0, farther=0.0, shear=0.0, squeeze=0.0,
        mirror_share=0.0, background_share=0.0, occlude_share=0.0,
    )  # fmt: skip
    synthetic = (draw(NOTHING, seed + number, size_px) for number in range(4 * _SCENES))
    scenes = [one.rgb for one in synthetic if not one.mask.any()][:_SCENES]
    for scene in scenes:
        yield augment(scene, size_px, still, rng), (0.0, 0.0, 0.0, 0.0)
    for number in range(_HANDS):
        hand = draw(LETTERS[number % len(LETTERS)], seed + number, size_px)
        for _ in range(_PLACED):
            behind = scenes[rng.integers(len(scenes))]
            rgb, box = _pasted(hand.rgb, hand.box, behind, float(rng.uniform(_SMALLEST, 1.1)), rng)
            yield augment(rgb, size_px, still, rng), box


def _pasted(
    rgb: Pixels, box: tuple[int, int, int, int], behind: Pixels, scale: float,
    rng: np.random.Generator,
) -> tuple[Pixels, _Box]:  # fmt: skip
    """Returns a picture scaled down, pasted at a random position over another, and its new box.

    With a `scale` of 1 or more the result is the picture itself.
    """
    scale = min(scale, 1.0)
    height, width = rgb.shape[:2]
    tall, wide = max(1, round(scale * height)), max(1, round(scale * width))
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    out = behind.copy()
    out[top : top + tall, left : left + wide] = cv2.resize(
        rgb, (wide, tall), interpolation=cv2.INTER_AREA
    )
    x0, y0, x1, y1 = box
    return out, (
        left + x0 * wide / width, top + y0 * tall / height,
        left + x1 * wide / width, top + y1 * tall / height,
    )  # fmt: skip


def _batches(
    pictures: Iterator[tuple[Pixels, _Box]],
) -> Iterator[tuple[NDArray[np.float32], list[_Box]]]:
    while True:
        some = [one for _, one in zip(range(_BATCH), pictures, strict=False)]
        if not some:
            return
        stacked = np.stack([rgb for rgb, _ in some]).astype(np.float32) / np.float32(255)
        yield stacked, [box for _, box in some]
