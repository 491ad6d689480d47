"""The same run on every backend: same weights, same batches, same losses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fingerspell import backends
from helpers.small_run import write_colours

ROOT = Path(__file__).resolve().parents[2]
NAMES = tuple(backends.INSTALL)
OTHERS = tuple(name for name in NAMES if name != "tensorflow")


def start(backend: str, *command: str) -> subprocess.Popen[str]:
    """Starts Python on a backend; one core each, as they run beside one another."""
    paths = os.pathsep.join(str(ROOT / name) for name in ("src", "tests"))
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "PYTHONPATH": paths,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, *command],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        encoding="utf-8", cwd=ROOT,
    )  # fmt: skip


def need(backend: str) -> None:
    """Skips where a backend is not installed; where every change is tested it has to be."""
    if not backends.is_installed(backend):
        if os.environ.get("CI"):
            pytest.fail(f"{backend} is not installed: backend/requirements_test.txt asks for it")
        pytest.skip(f"{backend} is not installed; {backends.INSTALL[backend]}")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_colours(tmp_path_factory.mktemp("data") / "dataset")


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
        told[name] = json.loads(said.strip().splitlines()[-1])
    return told


@pytest.mark.parametrize("backend", OTHERS)
def test_losses_accuracies_and_rates_are_those_of_tensorflow(runs, backend):
    """Frozen phase, free phase, averaged weights at each validation, decaying rate."""
    need(backend)
    ours, theirs = runs[backend]["straight"], runs["tensorflow"]["straight"]
    assert len(ours["loss"]) == 3
    for name, values in theirs.items():
        assert ours[name] == pytest.approx(values, rel=1e-4), name
    found, usual = (runs[name]["temperature"] for name in (backend, "tensorflow"))
    assert found == pytest.approx(usual, rel=0.01)


@pytest.mark.parametrize("backend", NAMES)
def test_an_interrupted_run_of_the_chosen_backend_ends_as_one_that_was_left_alone(runs, backend):
    need(backend)
    assert runs[backend]["backend"] == backend
    straight, stopped = runs[backend]["straight"], runs[backend]["stopped"]
    first, *_, last = straight["val_loss"]
    assert last < first - 0.1, "nothing was learnt"
    for name, values in straight.items():
        assert stopped[name] == pytest.approx(values, rel=1e-6), name


@pytest.mark.parametrize("backend", OTHERS)
def test_steps_in_parts_and_full_memory_are_known_to_every_backend(backend):
    need(backend)
    tests = start(
        backend, "-m", "pytest", "-q", "-p", "no:xdist", "tests/train/test_devices.py",
        "-k", f"step_in_parts or one_kind_of_step or whole_step or {backend}_truly",
    )  # fmt: skip
    said, _ = tests.communicate()
    assert tests.returncode == 0, said
    assert " passed" in said


@pytest.mark.parametrize(
    ("capability", "policy"),
    [((6, 1), "float32"), ((7, 5), "mixed_float16"), ((8, 6), "mixed_bfloat16")],
)
def test_precision_follows_what_the_gpu_can_do(monkeypatch, capability, policy):
    need("torch")
    torch = pytest.importorskip("torch")
    from fingerspell.train.devices import torch as device

    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert device.mixed_precision() == policy


@pytest.mark.parametrize(
    ("capability", "policy"),
    [
        ("6.1", "float32"),
        ("7.5", "mixed_float16"),
        ("8.0", "mixed_bfloat16"),
        ("10.0", "mixed_bfloat16"),
        ("gfx90a", "mixed_bfloat16"),
    ],
)
def test_precision_under_jax_follows_what_the_gpu_can_do(monkeypatch, capability, policy):
    """NVIDIA's numbers are compared; an AMD GPU has a name."""
    need("jax")
    jax = pytest.importorskip("jax")
    from fingerspell.train.devices import jax as device

    gpu = SimpleNamespace(platform="gpu", compute_capability=capability)
    monkeypatch.setattr(jax, "local_devices", lambda: [SimpleNamespace(platform="cpu"), gpu])
    assert device.mixed_precision() == policy
