"""Two processes that train together on this processor, and what their run came to."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fingerspell.train.distributed.rank import Rank
from helpers.killed_run import Process, child
from helpers.run_files import curves, weights

TOLERANCE = 1e-5
"""Two halves of a batch add up in another order than the whole."""


@contextlib.contextmanager
def pair(data: Path, output: Path) -> Iterator[list[Process]]:
    """Starts two processes, each of which has its place from the environment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with contextlib.ExitStack() as stack:
        processes = []
        for rank in range(2):
            with pytest.MonkeyPatch.context() as patch:
                for name, value in Rank(rank, 2, address).environment.items():
                    patch.setenv(name, value)
                processes.append(stack.enter_context(child(data, output, "tiny")))
        yield processes


def assert_alike(one: Path, other: Path) -> None:
    """The same losses, epoch by epoch, and the same weights, up to rounding."""
    assert set(curves(one)) == set(curves(other))
    for name, values in curves(one).items():
        if name == "phase":
            assert values == curves(other)[name]
        else:
            np.testing.assert_allclose(values, curves(other)[name], atol=TOLERANCE, err_msg=name)
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_allclose(a, b, atol=TOLERANCE)
