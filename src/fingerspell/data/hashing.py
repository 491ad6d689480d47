"""A perceptual hash: pictures that look alike get hashes that differ in few bits.

dHash in both directions: the grey picture is averaged down to 8×9 and 9×8 cells; each bit says
whether a cell is brighter than its neighbour. Brightness and scale drop out, movement does not.
The choice of hash and threshold is measured in docs/adr/0002-near-duplicate-hash.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fingerspell.data.cells import two_grids
from fingerspell.images import Grey, Pixels, luma

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
    return dhash_of_luma(luma(rgb))


def dhash_of_luma(grey: Grey) -> str:
    """Returns `dhash` of a picture whose luma is at hand."""
    wide, tall = two_grids(grey, CELLS)
    brighter = np.empty((2, CELLS, CELLS), np.bool_)
    np.greater(wide[:, 1:], wide[:, :-1], out=brighter[0])
    np.greater(tall[1:], tall[:-1], out=brighter[1])
    return np.packbits(brighter).tobytes().hex()


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
    differing, either = _compared(some, others)
    near: NDArray[np.bool_] = differing * USUAL_SET <= near_bits * np.maximum(either, LEAST_SET)
    return near


def distance(some: Words, others: Words) -> NDArray[np.float32]:
    """Returns the `near_bits` from which on two hashes are near; shapes as in `is_near`."""
    differing, either = _compared(some, others)
    return (differing * USUAL_SET / np.maximum(either, LEAST_SET)).astype(np.float32)


def _compared(some: Words, others: Words) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """How many bits differ, and how many are set in either."""
    differing = np.bitwise_count(some ^ others).sum(axis=-1, dtype=np.int16)
    return differing, np.bitwise_count(some | others).sum(axis=-1, dtype=np.int16)
