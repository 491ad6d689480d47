"""What every test may take for granted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # A test process a core: a second thread of each would only wait, and its waiting takes time.
    for library in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ.setdefault(library, "1")


@pytest.fixture(autouse=True, scope="session")
def non_letters_are_synthetic_once() -> Iterator[None]:
    """Every training ends with the same hundred hands, which take longer than a tiny network."""
    from fingerspell.train import synthetic

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "draw", cache(synthetic.draw))
        yield
