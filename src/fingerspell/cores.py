"""How many processor cores this process may use, and how many threads are worth starting."""

from __future__ import annotations

import os

_MOST = 8
"""Python's lock keeps more than a few reading threads from working at once, and a picture of
50 million pixels takes 300 MB in each of them."""


def usable_cores() -> int:
    """Returns the cores that this process may run on, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def reading_threads() -> int:
    """Returns the threads for reading pictures: decoding and hashing release Python's lock."""
    return max(2, min(_MOST, usable_cores()))
