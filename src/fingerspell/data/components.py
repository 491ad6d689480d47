"""What hangs together: the connected components of a graph, for millions of links."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.int64]
"""(P, 2) indices of two items each."""

NO_PAIRS: Pairs = np.empty((0, 2), np.int64)


def connect(count: int, pairs: Pairs) -> NDArray[np.int64]:
    """Returns, for each of `count` items, the smallest item it is connected with by pairs.

    Every tree's root hooks onto the smallest root it is linked with, then every path is cut
    short; links inside a tree are dropped. Each round at least halves the trees that still have
    links, so that a dozen passes over the arrays do what a loop over the pairs would.
    """
    root = np.arange(count, dtype=np.int64)
    ends = root[pairs]
    while len(ends := ends[ends[:, 0] != ends[:, 1]]):
        np.minimum.at(root, ends.max(axis=1), ends.min(axis=1))
        while not np.array_equal(further := root[root], root):
            root = further
        ends = root[ends]
    return root
