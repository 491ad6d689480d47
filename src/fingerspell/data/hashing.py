"""A perceptual hash: pictures that look alike get hashes that differ in few bits.

dHash in both directions: the grey picture is averaged down to 8×9 and 9×8 cells; each bit says
whether a cell is brighter than its neighbour. Brightness and scale drop out, movement does not.
The choice of hash and threshold is measured in docs/adr/0002-near-duplicate-hash.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerspell.images import Pixels

CELLS = 8
BITS = 2 * CELLS * CELLS
HEX_DIGITS = BITS // 4

USUAL_SET = 76
"""Bits set in either of two near pictures of the usual kind: the scale of `near_bits`."""

LEAST_SET = 20
"""With fewer set bits than this a picture is nearly blank and a few bits decide nothing."""

Words = NDArray[np.uint64]
"""Hashes as (N, 2) unsigned 64-bit words."""


def dhash(rgb: Pixels) -> str:
    """Returns 128 bits as 32 hexadecimal digits: 64 horizontal gradients, then 64 vertical."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    wide = cv2.resize(grey, (CELLS + 1, CELLS), interpolation=cv2.INTER_AREA)
    tall = cv2.resize(grey, (CELLS, CELLS + 1), interpolation=cv2.INTER_AREA)
    across, down = wide[:, 1:] > wide[:, :-1], tall[1:] > tall[:-1]
    return np.packbits(np.concatenate([across.ravel(), down.ravel()])).tobytes().hex()


def words(hashes: Sequence[str]) -> Words:
    """Unpacks hexadecimal hashes for `is_near`."""
    data = b"".join(bytes.fromhex(text) for text in hashes)
    return np.frombuffer(data, dtype=">u8").astype(np.uint64).reshape(-1, 2)


def is_near(some: Words, others: Words, near_bits: int) -> NDArray[np.bool_]:
    """Compares hashes (..., 2) with hashes (..., 2), broadcast; returns (...).

        near = differing * USUAL_SET <= near_bits * max(set in either, LEAST_SET)

    On a flat background most bits are 0 in every picture, so that strangers would seem alike:
    differing bits are weighed against the bits that are set in either of the two.
    """
    differing = np.bitwise_count(some ^ others).sum(axis=-1, dtype=np.int16)
    either = np.bitwise_count(some | others).sum(axis=-1, dtype=np.int16)
    near: NDArray[np.bool_] = differing * USUAL_SET <= near_bits * np.maximum(either, LEAST_SET)
    return near


def near_pairs(hashes: Words, near_bits: int, chunk: int = 512) -> NDArray[np.int64]:
    """Returns (P, 2): every pair i < j whose hashes are near.

    Compared block by block: a few MB at a time, whatever the number of hashes.
    """
    found = [np.empty((0, 2), np.int64)]
    for top in range(0, len(hashes), chunk):
        for left in range(top, len(hashes), chunk):
            one, other = hashes[top : top + chunk, None], hashes[None, left : left + chunk]
            near = is_near(one, other, near_bits)
            pairs = np.argwhere(np.triu(near, 1) if left == top else near)
            found.append(pairs + np.array([top, left]))
    return np.concatenate(found)
