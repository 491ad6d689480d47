"""What every test may take for granted."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

import pytest

# Each of dozens of processes would compile the package again where nothing may be kept.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # Compiled sooner.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    # What one process of a test run compiled, the others read: half of a small training's time.
    _compiled = TemporaryDirectory(prefix="compiled_")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _compiled.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

if "PYTEST_XDIST_WORKER" in os.environ:
    # A test process a core: a second thread of each would only wait, and its waiting takes time.
    for library in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ.setdefault(library, "1")

TOGETHER = (
    "tests/train/distributed/test_", "tests/export/", "tests/browser/", "tests/web/",
)  # fmt: skip
"""Files with these beginnings share fixtures that take long: one process tests all of them."""

FIRST = (
    "tests/train/distributed/test_", "tests/export/", "tests/train/test_resume.py",
    "tests/train/test_memory.py", "tests/train/test_backends.py", "tests/train/test_tune.py",
    "tests/train/", "tests/test_pipeline.py", "tests/test_without_tensorflow.py", "tests/model/",
)  # fmt: skip
"""What takes longest is begun first, so that no process has a long file left at the end."""


def pytest_collection_finish() -> None:
    """Leaves what the libraries made to itself: else each collection of garbage goes through it."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts the files by `FIRST`; within a file the order stays."""
    items.sort(key=lambda item: _place(item.nodeid, FIRST))


def _place(nodeid: str, beginnings: tuple[str, ...]) -> int:
    return next((i for i, x in enumerate(beginnings) if nodeid.startswith(x)), len(beginnings))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Gives each test process whole files, and files that belong together to one process."""
    from xdist.scheduler import LoadFileScheduling

    class Rooms(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            place = _place(nodeid, TOGETHER)
            return nodeid.split("::")[0] if place == len(TOGETHER) else TOGETHER[place]

    return Rooms(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(autouse=True, scope="session")
def non_letters_are_synthetic_once() -> Iterator[None]:
    """Every training ends with the same hundred hands, which take longer than a tiny network."""
    from fingerspell.train import synthetic

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "draw", cache(synthetic.draw))
        yield


@pytest.fixture(autouse=True, scope="session")
def python_is_not_run_pys() -> Iterator[None]:
    """What a command tells to install does not depend on who made the environment of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fingerspell.install._STAMP", "no such file")
        yield


@pytest.fixture(scope="module")
def tiny_network() -> Iterator[None]:
    """Every network that a module builds has a tiny backbone instead of MobileNetV3."""
    yield from _with_backbone("tiny_backbone")


@pytest.fixture(scope="module")
def tiny_network_with_grid() -> Iterator[None]:
    """As `tiny_network`, and a hand crop can be taken through it."""
    yield from _with_backbone("tiny_backbone_with_grid")


def _with_backbone(name: str) -> Iterator[None]:
    from helpers import tiny_network

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fingerspell.model.build.build_backbone", getattr(tiny_network, name))
        yield


@pytest.fixture(scope="module")
def plain_steps() -> Iterator[None]:
    """Trains a module's networks without TensorFlow's graphs, step by step: much sooner done."""
    from helpers import plain_steps

    with pytest.MonkeyPatch.context() as patch:
        plain_steps.install(patch)
        yield
