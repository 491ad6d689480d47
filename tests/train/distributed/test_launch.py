"""What is refused before Ray is asked for anything, and what its processes tell the launcher."""

import importlib.util
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from fingerspell.errors import ConfigError, ModelError, RunError
from fingerspell.train import run_folder
from fingerspell.train.distributed import launch as launch_module
from fingerspell.train.distributed.launch import _check_room, _Launch, launch, work
from helpers.small_run import small_config

CALLS = SimpleNamespace(train=None)


def trained(config, command):
    """A function that can be pickled, as Ray wants it."""
    return CALLS.train(config, command)


@pytest.fixture
def jax(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")


def refused(tmp_path, workers, **changes):
    config = small_config(tmp_path / "data", tmp_path / "output", **changes)
    with pytest.raises(ConfigError) as error:
        launch(config, "train", trained, workers)
    assert not (tmp_path / "output").exists()
    return error.value


def test_at_least_one_process_is_needed_and_a_batch_must_divide_evenly(tmp_path, jax):
    for workers in (0, -1):
        assert refused(tmp_path, workers).found == f"--workers {workers}"
    assert refused(tmp_path, 3, batch_size=8).fix == "use --batch_size 9"
    assert refused(tmp_path, 16, batch_size=4).fix == "use --batch_size 16"


def test_jax_ray_and_room_are_asked_for_where_they_are_missing(tmp_path, jax, monkeypatch):
    """Where there is no room, Ray itself would wait."""
    known = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda x: None if x == "ray" else known(x))
    assert '-m pip install "ray[train]==' in refused(tmp_path, 2).fix
    monkeypatch.setattr("keras.backend.backend", lambda: "tensorflow")
    error = refused(tmp_path, 2)
    assert error.found == "--workers with KERAS_BACKEND=tensorflow"
    assert "KERAS_BACKEND=jax" in error.fix
    _check_room(2, "GPU", 2)
    with pytest.raises(ConfigError, match="--workers 3, but Ray has 2 GPUs"):
        _check_room(3, "GPU", 2)


WRONG_WEIGHTS = ModelError(found="--weights x: no such file", expected="a file", fix="check it")


@pytest.fixture
def ray(monkeypatch, jax):
    """Stands in for Ray: `start(config)` launches, and every process is a call of `work`."""
    context = SimpleNamespace(get_world_rank=lambda: 0, get_world_size=lambda: 1)
    train = SimpleNamespace(get_context=lambda: context)
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(train=train))
    monkeypatch.setitem(sys.modules, "ray.train", train)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

    def start(config, attempts=1):
        def fit(task, train, workers, address):
            for _ in range(attempts):
                work({"task": task, "train": pickle.dumps(train)})

        monkeypatch.setattr(launch_module, "_fit", fit)
        launch(config, "train", trained, 2)

    return start


def old_run(output: Path) -> Path:
    (output / "checkpoints").mkdir(parents=True)
    (output / "checkpoints" / "step_00000009.npz").write_bytes(b"days of work")
    (output / "model.keras").write_bytes(b"days of work")
    return output


def files(output: Path) -> list[str]:
    return sorted(p.relative_to(output).as_posix() for p in output.rglob("*") if p.is_file())


def test_a_run_is_replaced_only_once_the_new_one_is_known_to_start(tmp_path, ray, monkeypatch):
    """Wrong weights, another number of processes, no cluster: all that is seen later."""
    output = old_run(tmp_path / "output")
    before = files(output)

    def train(config, command):
        raise WRONG_WEIGHTS

    monkeypatch.setattr(CALLS, "train", train)
    with pytest.raises(ModelError):
        ray(small_config(tmp_path / "data", output, overwrite=True))
    assert files(output) == before


def test_what_a_restart_finds_is_gone_on_with_and_not_replaced_again(tmp_path, ray, monkeypatch):
    output, asked = old_run(tmp_path / "output"), []

    def train(config, command):
        asked.append((config.overwrite, config.resume))
        run_folder.open_folder(config.output_dir, overwrite=config.overwrite, resume=config.resume)
        (output / "checkpoints").mkdir(exist_ok=True)
        (output / "checkpoints" / f"step_0000000{len(asked)}.npz").write_bytes(b"new")

    monkeypatch.setattr(CALLS, "train", train)
    ray(small_config(tmp_path / "data", output, overwrite=True), attempts=2)
    assert asked == [(True, False), (False, True)]
    assert files(output) == ["checkpoints/step_00000001.npz", "checkpoints/step_00000002.npz"]


def test_a_marker_that_a_killed_launcher_left_replaces_nothing(tmp_path, ray, monkeypatch):
    output, asked = old_run(tmp_path / "output"), []
    config = small_config(tmp_path / "data", output, resume=True)
    _Launch(config, "", tmp_path).old_run.touch()
    monkeypatch.setattr(CALLS, "train", lambda config, command: asked.append(config.overwrite))
    ray(config)
    assert asked == [False]


def test_processes_that_give_up_at_once_do_not_write_over_each_other(tmp_path, monkeypatch):
    task = _Launch(small_config(tmp_path / "data", tmp_path), "", tmp_path)
    task.notes.mkdir()
    whole, barrier = Path.write_text, threading.Barrier(8, timeout=10)

    def together(self, *args, **kwargs):
        count = whole(self, *args, **kwargs)
        barrier.wait()
        return count

    monkeypatch.setattr(Path, "write_text", together)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda rank: launch_module._note(task, rank, WRONG_WEIGHTS), range(8)))
    with pytest.raises(RunError, match=r"(?s)--weights x: no such file.*check it"):
        launch_module._raise_refusal(task)


def test_where_one_process_gave_up_the_others_have_nothing_to_do(tmp_path, ray, monkeypatch):
    config = small_config(tmp_path / "data", tmp_path / "output")
    task = _Launch(config, "", tmp_path)
    task.notes.mkdir(parents=True)
    launch_module._note(task, 1, WRONG_WEIGHTS)
    monkeypatch.setattr(CALLS, "train", None)
    work({"task": task, "train": pickle.dumps(trained)})
