"""The same run on every backend: same weights, same batches, same losses."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fingerspell import backends
from helpers.needed import need_backend

ROOT = Path(__file__).resolve().parents[2]
NAMES = tuple(backends.REQUIREMENTS)
OTHERS = tuple(name for name in NAMES if name != "tensorflow")


def start(backend: str, *command: str) -> subprocess.Popen[str]:
    """Starts Python on a backend; one core each, as they run beside one another."""
    paths = os.pathsep.join(str(ROOT / name) for name in ("src", "tests"))
    settings = {"KERAS_BACKEND": backend, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, **settings, "TF_CPP_MIN_LOG_LEVEL": "3"}, cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """First weights for all: shapes of the tiny network, drawn without any backend."""
    rng = np.random.default_rng(11)
    shapes = [(5, 5, 3, 6), (6,), (6,), (6,), (6,), (6, 3), (3,)]
    arrays = [0.3 * rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    arrays[4] = np.abs(arrays[4]) + 1  # BatchNormalization's moving variance
    path = tmp_path_factory.mktemp("weights") / "first.npz"
    np.savez(path, *arrays)
    return path


@pytest.fixture(scope="module")
def runs(data, weights, tmp_path_factory):
    """What each installed backend made of the same run, all of them at the same time."""
    started = {
        name: start(
            name, "-m", "helpers.backend_run", str(weights), str(data),
            str(tmp_path_factory.mktemp(name)),
        )
        for name in NAMES
        if backends.is_installed(name)
    }  # fmt: skip
    answers = {name: process.communicate() for name, process in started.items()}
    told = {}
    for name, (said, complaints) in answers.items():
        assert started[name].returncode == 0, f"{name}\n{complaints}"
        told[name] = {**json.loads(said.strip().splitlines()[-1]), "said": said}
    return told


@pytest.mark.parametrize("backend", OTHERS)
def test_losses_accuracies_and_rates_are_those_of_tensorflow(runs, backend):
    """Frozen phase, free phase, averaged weights at each validation, decaying rate."""
    need_backend(backend)
    ours, theirs = runs[backend]["straight"], runs["tensorflow"]["straight"]
    assert len(ours["loss"]) == 3
    for name, values in theirs.items():
        assert ours[name] == pytest.approx(values, rel=1e-4), name
    found, usual = (runs[name]["temperature"] for name in (backend, "tensorflow"))
    assert found == pytest.approx(usual, rel=0.01)


@pytest.mark.parametrize("backend", OTHERS)
def test_an_interrupted_run_of_the_chosen_backend_ends_as_one_that_was_left_alone(runs, backend):
    need_backend(backend)
    assert runs[backend]["backend"] == backend
    straight, stopped = runs[backend]["straight"], runs[backend]["stopped"]
    first, *_, last = straight["val_loss"]
    assert last < first - 0.1, "nothing was learnt"
    for name, values in straight.items():
        assert stopped[name] == pytest.approx(values, rel=1e-6), name


@pytest.mark.parametrize("backend", OTHERS)
def test_steps_in_parts_and_full_memory_are_known_to_every_backend(runs, backend):
    need_backend(backend)
    assert runs[backend]["device"] == 0, runs[backend]["said"]


@pytest.mark.parametrize(
    ("backend", "capability", "policy"),
    [
        ("torch", (6, 1), "float32"),
        ("torch", (7, 5), "mixed_float16"),
        ("torch", (8, 6), "mixed_bfloat16"),
        ("jax", "6.1", "float32"),
        ("jax", "7.5", "mixed_float16"),
        ("jax", "8.0", "mixed_bfloat16"),
        ("jax", "10.0", "mixed_bfloat16"),
        ("jax", "gfx90a", "mixed_bfloat16"),
    ],
)
def test_precision_follows_what_the_gpu_can_do(monkeypatch, backend, capability, policy):
    """NVIDIA's numbers are compared; an AMD GPU has a name."""
    need_backend(backend)
    library = importlib.import_module(backend)
    if backend == "jax":
        gpu = SimpleNamespace(platform="gpu", compute_capability=capability)
        devices = [SimpleNamespace(platform="cpu"), gpu]
        monkeypatch.setattr(library, "local_devices", lambda: devices)
    else:
        monkeypatch.setattr(library.cuda, "get_device_capability", lambda: capability)
    device = importlib.import_module(f"fingerspell.train.devices.{backend}")
    assert device.mixed_precision() == policy
