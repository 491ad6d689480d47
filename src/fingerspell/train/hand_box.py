"""Trains the hand localisation of a network on synthetic hands, whose boxes are known.

A hand is laid at any place and size before rendered rooms and people, among pasted pieces of
others: what is pasted says nothing, only the hand does. The features of the frozen backbone are
computed once; a few convolutions learn from them which cells are hand. These find the hands in the
training photographs; what lies beside, real rooms and people, is behind as many synthetic hands
again, from which all is learnt anew.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from fingerspell.config.train import AugmentConfig
from fingerspell.images import Pixels, fit, read
from fingerspell.labels import LETTERS, NOTHING
from fingerspell.loading.augment import augment
from fingerspell.loading.backgrounds import Backgrounds
from fingerspell.model import size_of
from fingerspell.model.hand_crop import HandBox, grid_network, hand_of, localisation
from fingerspell.progress import Progress
from fingerspell.synth.picture import draw

_Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 as shares of the picture's sides; all 0 where there is no hand."""

_NO_HAND: _Box = (0.0, 0.0, 0.0, 0.0)

_WALLS = Backgrounds()

_HANDS = 750
"""Of each round: before rendered scenes, and before photographs too."""

_SCENES = 400
"""Synthetic pictures without a hand, people among them."""

_PLACED = 4
"""How often each hand is used, each time at another position and size."""

_EMPTY = 300
"""Pictures without a hand that are learnt from."""

_SCALES = (0.2, 1.3)
"""The least and the largest size of a pasted picture, as shares of the whole, which 1 fills."""

_CUT_OUT_SHARE = 0.7
"""How often a hand is laid over without the scene that it was drawn in."""

_EDGES = (0.0, 0.1, 0.2)
"""How soft the edge of what is pasted is, as shares of half its side."""

_ROOM_SHARE, _SCENE_SHARE = 0.3, 0.4
"""How often a photograph or a rendered scene is behind a hand; drawn walls are, otherwise."""

_MOST_PHOTOGRAPHS = 3000
_AROUND = 1.5
"""What is beside a hand is outside its square, enlarged so many times."""

_LEAST_PIECE, _LITTLE_HAND = 0.22, 0.15
"""The least side of a piece, and the side of a hand's square below which there is none."""

_BATCH = 64
_EPOCHS, _FIRST_EPOCHS = 20, 8
_RATE = 2e-3
_CHANNELS = (32, 32)
_SQUARE_WEIGHT = 0.3
_MOST_OFF = 3.0
"""Beyond it an error of the square counts no more: the hand is missed altogether."""


def train_hand_box(
    model: keras.Model, changes: AugmentConfig, seed: int, photographs: Sequence[Path] = ()
) -> HandBox:
    """Fits the hand localisation of `model`: which cells of its feature grid show a hand.

    The pictures are synthetic hands, from the whole picture down to a tenth of its sides, with the
    colours and damage of `changes`, before rendered scenes and what is beside the hands of training
    `photographs`. What is learnt: the share of each cell, and the square that follows from all of
    them, on which the crop depends. The same model, seed and pictures give the same numbers.
    """
    network = grid_network(model)
    rows, targets = _looked_at(network, changes, seed, ())
    pieces: list[Pixels] = []
    if photographs:
        first = _fit(rows, targets, seed, _FIRST_EPOCHS)
        pieces = _beside_hands(network, first, photographs, seed)
    more = _looked_at(network, changes, seed + _HANDS, pieces)
    rows, targets = np.concatenate([rows, more[0]]), np.concatenate([targets, more[1]])
    return _fit(rows, targets, seed, _EPOCHS)


def _looked_at(
    network: keras.Model, changes: AugmentConfig, seed: int, rooms: Sequence[Pixels]
) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
    """Returns the features (N, h, w, C) of pictures, and what is learnt of each (N, h, w, 4)."""
    grid = tuple(int(side) for side in network.output_shape[1:3])
    rows, targets = [], []
    with Progress(_HANDS * _PLACED + _EMPTY, "hand localisation", "picture") as bar:
        for some, boxes in _batches(_pictures(size_of(network), changes, seed, rooms)):
            rows.append(np.asarray(network.predict_on_batch(some), np.float16))
            targets.append(np.stack([_target(box, grid) for box in boxes]))
            bar.advance(len(boxes))
    return np.concatenate(rows), np.concatenate(targets)


def _beside_hands(
    network: keras.Model, hand_box: HandBox, paths: Sequence[Path], seed: int
) -> list[Pixels]:
    """Returns pieces of some photographs, uint8 at the network's size, beside the hands there."""
    size_px, rng = size_of(network), np.random.default_rng([seed, 10])
    features = keras.Input(network.output_shape[1:], dtype="float32")
    shares = localisation(hand_box, features)
    squares = keras.Model(features, ops.concatenate(hand_of(shares), axis=1))
    chosen = [paths[i] for i in rng.permutation(len(paths))[:_MOST_PHOTOGRAPHS]]
    pieces = []
    for start in range(0, len(chosen), _BATCH):
        pictures = np.stack([fit(read(path), size_px) for path in chosen[start : start + _BATCH]])
        seen = np.asarray(network.predict_on_batch(pictures), np.float32)
        found = np.asarray(squares.predict_on_batch(seen)).tolist()
        for picture, (x, y, side) in zip(pictures, found, strict=True):
            part = _beside(x, y, side, rng)
            if part is not None:
                x0, y0, x1, y1 = (
                    round(v * n) for v, n in zip(part, 2 * size_px[::-1], strict=True)
                )
                piece = cv2.resize(picture[y0:y1, x0:x1], size_px[::-1])
                pieces.append(np.rint(255 * piece).astype(np.uint8))
    return pieces


def _beside(x: float, y: float, side: float, rng: np.random.Generator) -> _Box | None:
    """Returns a random square piece of a picture beside a hand's square, None where none is."""
    if side < _LITTLE_HAND:
        return 0.0, 0.0, 1.0, 1.0
    half = _AROUND * side / 2
    strips = [(0.0, 0.0, x - half, 1.0), (x + half, 0.0, 1.0, 1.0), (0.0, 0.0, 1.0, y - half)]
    broad = [part for part in strips if min(part[2] - part[0], part[3] - part[1]) >= _LEAST_PIECE]
    if not broad:
        return None
    x0, y0, x1, y1 = broad[int(rng.integers(len(broad)))]
    width = min(x1 - x0, y1 - y0)
    across, down = rng.random(2)
    left, top = x0 + across * (x1 - x0 - width), y0 + down * (y1 - y0 - width)
    return left, top, left + width, top + width


def _target(box: _Box, grid: tuple[int, ...]) -> NDArray[np.float32]:
    """Returns what is learnt of a box: (h, w, 4), a cell's share, and x, y and side of its square.

    The square has the box's area; its side is 0 where there is no hand.
    """
    x0, y0, x1, y1 = box
    height, width = grid
    out = np.empty((height, width, 4), np.float32)
    out[..., 0] = np.outer(_covered(y0, y1, height), _covered(x0, x1, width))
    out[..., 1:] = (x0 + x1) / 2, (y0 + y1) / 2, np.sqrt((x1 - x0) * (y1 - y0))
    return out


def _covered(start: float, end: float, count: int) -> NDArray[np.float64]:
    """Returns how much of each of `count` equal parts of 0 to 1 lies between two shares."""
    edges = np.arange(count) / count
    covered = np.minimum(edges + 1 / count, end) - np.maximum(edges, start)
    return np.asarray(np.clip(covered * count, 0.0, 1.0))


def _fit(
    rows: NDArray[np.float16], targets: NDArray[np.float32], seed: int, epochs: int
) -> HandBox:
    """Returns the convolutions that learnt `targets` (N, h, w, 4) from features (N, h, w, C)."""
    deviation = rows.std(axis=(0, 1, 2), dtype=np.float64).astype(np.float32) + np.float32(1e-3)
    rng = np.random.default_rng([seed, 9])
    network = _network(rows.shape[1:], rng)
    steps = epochs * max(1, len(rows) // _BATCH)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - steps // 10, warmup_target=_RATE, warmup_steps=max(1, steps // 10)
    )
    network.compile(keras.optimizers.Adam(rate), loss=_loss, jit_compile=False)
    order = np.concatenate([rng.permutation(len(rows)) for _ in range(epochs)])
    with Progress(steps, "hand localisation", "step") as bar:
        for step in range(steps):
            chosen = order[step * _BATCH : (step + 1) * _BATCH]
            x, y = rows[chosen].astype(np.float32) / deviation, targets[chosen]
            if rng.random() < 0.5:
                x, y = x[:, :, ::-1], y[:, :, ::-1].copy()
                y[..., 1] = 1 - y[..., 1]
            network.train_on_batch(np.ascontiguousarray(x), y)
            bar.advance(1)
    (kernel, bias), *others = (layer.get_weights() for layer in network.layers[1:])
    # Divided here, the features need not be divided in every answer.
    first = (kernel / deviation[:, None], bias)
    return HandBox(tuple((k, b) for k, b in (first, *others)))


def _network(shape: tuple[int, ...], rng: np.random.Generator) -> keras.Model:
    """Returns the localisation with random weights, for features (h, w, C)."""
    layers, before = [], shape[-1]
    for side, out in (*((3, channels) for channels in _CHANNELS), (1, 1)):
        inputs = side * side * before
        kernel = rng.normal(0, np.sqrt(2 / inputs), (side, side, before, out))
        layers.append((kernel.astype(np.float32), np.zeros(out, np.float32)))
        before = out
    features = keras.Input(shape, dtype="float32")
    return keras.Model(features, localisation(HandBox(tuple(layers)), features))


def _loss(truth: keras.KerasTensor, shares: keras.KerasTensor) -> keras.KerasTensor:
    """Returns the loss (N,): of each cell's share, and of the square that all of them make."""
    cells = ops.mean(ops.binary_crossentropy(truth[..., :1], shares), axis=(1, 2, 3))
    x, y, side = (ops.squeeze(value, -1) for value in hand_of(shares))
    true_x, true_y, true_side = (truth[:, 0, 0, number] for number in (1, 2, 3))
    there = ops.cast(true_side > 0, "float32")
    whole = ops.maximum(true_side, 1e-3)
    off = (ops.abs(x - true_x) + ops.abs(y - true_y)) / whole + ops.abs(ops.log(side / whole))
    return cells + _SQUARE_WEIGHT * there * ops.minimum(off, _MOST_OFF)


def _pictures(
    size_px: tuple[int, int], changes: AugmentConfig, seed: int, rooms: Sequence[Pixels]
) -> Iterator[tuple[Pixels, _Box]]:
    """Yields pictures uint8 (h, w, 3) and the box of the hand in each."""
    rng = np.random.default_rng([seed, 8])
    still = replace(
        changes, rotate_deg=0.0, shift=0.0, zoom=0.0, farther=0.0, shear=0.0, squeeze=0.0,
        mirror_share=0.0, background_share=0.0, occlude_share=0.0,
    )  # fmt: skip
    background = _backgrounds(size_px, seed, rooms, rng)
    for _ in range(_EMPTY):
        yield augment(_strewn(background, rng), size_px, still, rng), _NO_HAND
    for number in range(_HANDS):
        hand = draw(LETTERS[number % len(LETTERS)], seed + number, size_px)
        for _ in range(_PLACED):
            share = hand.mask.astype(np.float32) if rng.random() < _CUT_OUT_SHARE else None
            scale = float(np.exp(rng.uniform(*np.log(_SCALES))))
            rgb, box = _pasted(hand.rgb, share, hand.box, _strewn(background, rng), scale, rng)
            yield augment(rgb, size_px, still, rng), box


def _backgrounds(
    size_px: tuple[int, int], seed: int, rooms: Sequence[Pixels], rng: np.random.Generator
) -> Callable[[], Pixels]:
    """Returns what draws a picture without a hand: one of `rooms`, a scene, or a wall."""
    synthetic = (draw(NOTHING, seed + number, size_px) for number in range(4 * _SCENES))
    scenes = [one.rgb for one in synthetic if not one.mask.any()][:_SCENES]

    def background() -> Pixels:
        kind = rng.random()
        if rooms and kind < _ROOM_SHARE:
            return rooms[int(rng.integers(len(rooms)))]
        if kind < _ROOM_SHARE + _SCENE_SHARE:
            return scenes[int(rng.integers(len(scenes)))]
        return _WALLS.draw(size_px, rng)

    return background


def _strewn(background: Callable[[], Pixels], rng: np.random.Generator) -> Pixels:
    """Returns a background with up to two pieces of others pasted over it."""
    out = background()
    for _ in range(int(rng.integers(3))):
        out, _ = _pasted(background(), None, (0, 0, 0, 0), out, float(rng.uniform(0.15, 0.6)), rng)
    return out


def _pasted(
    rgb: Pixels, share: NDArray[np.float32] | None, box: tuple[int, int, int, int],
    behind: Pixels, scale: float, rng: np.random.Generator,
) -> tuple[Pixels, _Box]:  # fmt: skip
    """Returns a picture scaled down, pasted at a random position over another, and its new box.

    `share` (h, w) says how much of a pixel is pasted; `None`: all, up to an edge of random
    softness. With a `scale` of 1 or more it is as large as the other.
    """
    scale = min(scale, 1.0)
    height, width = rgb.shape[:2]
    tall, wide = max(1, round(scale * height)), max(1, round(scale * width))
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    if share is None:
        cover = _soft(tall, wide, _EDGES[int(rng.integers(len(_EDGES)))] * (scale < 1))
    else:
        smaller = cv2.resize(share, (wide, tall), interpolation=cv2.INTER_AREA)
        cover = np.asarray(smaller, np.float32)
    small = cv2.resize(rgb, (wide, tall), interpolation=cv2.INTER_AREA).astype(np.float32)
    out = behind.copy()
    part = out[top : top + tall, left : left + wide]
    part[:] = np.rint(part + cover[..., None] * (small - part))
    x0, x1 = ((left + x * wide / width) / width for x in box[::2])
    y0, y1 = ((top + y * tall / height) / height for y in box[1::2])
    return out, (x0, y0, x1, y1)


def _soft(tall: int, wide: int, edge: float) -> NDArray[np.float32]:
    """Returns how much of each pixel (tall, wide) shows: less towards an edge so broad."""
    places = [(np.arange(count) + 0.5) / count for count in (tall, wide)]
    inward = [2 * np.minimum(place, 1 - place) for place in places]
    nearest = np.minimum(inward[0][:, None], inward[1])
    return np.asarray(np.clip(nearest / max(edge, 1e-6), 0, 1), np.float32)


def _batches(
    pictures: Iterator[tuple[Pixels, _Box]],
) -> Iterator[tuple[NDArray[np.float32], list[_Box]]]:
    while True:
        some = [one for _, one in zip(range(_BATCH), pictures, strict=False)]
        if not some:
            return
        stacked = np.stack([rgb for rgb, _ in some]).astype(np.float32) / np.float32(255)
        yield stacked, [box for _, box in some]
