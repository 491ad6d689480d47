"""Launches the processes of one distributed run with Ray Train, and restarts lost ones.

Training knows nothing of Ray: `work` passes each process its rank in Keras's environment
variables, as any other launcher can, and calls the training function that it was given.
"""

import contextlib
import importlib.util
import os
import pickle
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fingerspell.config.train import TrainConfig
from fingerspell.errors import FingerspellError, RunError, require
from fingerspell.files import write_json
from fingerspell.install import pip
from fingerspell.train import run_folder
from fingerspell.train.distributed.rank import NAMES, Rank

_RESTARTS = 5
"""Restarts of a run after lost processes; each costs about a minute."""

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # Ray reports its use to its makers by default.
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",  # Every line would come twice.
    "RAY_DEDUP_LOGS": "0",  # Epochs may look alike.
}

_NOTES, _REFUSED = ".ray", "refused_*.json"
"""Ray's folder in the run folder while it trains, and the files that say why a process gave up."""

_OLD_RUN = ".old_run"
"""The marker lies among the old run's checkpoints, and is removed with them."""


Train = Callable[[TrainConfig, str], object]


@dataclass(frozen=True, slots=True)
class _Launch:
    """What every process needs beside the function that trains."""

    config: TrainConfig
    command: str
    working_dir: Path

    @property
    def notes(self) -> Path:
        """Returns the folder of messages between the processes and their launcher."""
        return self.config.output_dir / _NOTES

    @property
    def old_run(self) -> Path:
        """Returns the marker file that exists while an old run has yet to be replaced."""
        return self.config.output_dir / run_folder.CHECKPOINTS / _OLD_RUN


def launch(
    config: TrainConfig, command: str, train: Train, workers: int, address: str | None = None
) -> None:
    """Trains `config` in `workers` processes, on this machine or on the Ray cluster at `address`.

    Each process calls `train(config, command)`, a function of a module (Ray pickles it by name).
    They always resume from the last checkpoint, so a lost process costs the steps after it. Raises
    a `FingerspellError` for whatever the user can mend. A run that is to be replaced is removed by
    rank 0, once it has found nothing to refuse.
    """
    import keras

    check(config, workers, keras.backend.backend())
    folder = config.output_dir
    run_folder.open_folder(folder, overwrite=False, resume=config.overwrite or config.resume)
    absolute = replace(
        config,
        dataset_dir=config.dataset_dir.resolve(),
        output_dir=config.output_dir.resolve(),
        overwrite=False,
        resume=True,
    )
    task = _Launch(absolute, command, Path.cwd())
    shutil.rmtree(task.notes, ignore_errors=True)
    task.old_run.unlink(missing_ok=True)
    if config.overwrite and any((folder / name).exists() for name in run_folder.FILES):
        task.old_run.parent.mkdir(exist_ok=True)
        task.old_run.touch()
    try:
        _fit(task, train, workers, address)
    finally:
        shutil.rmtree(task.notes, ignore_errors=True)
        task.old_run.unlink(missing_ok=True)


def check(config: TrainConfig, workers: int, backend: str) -> None:
    """Raises `ConfigError` unless `workers` processes can share a run of `config` here."""
    require(
        workers >= 1,
        found=f"--workers {workers}",
        expected="at least one process",
        fix="use --workers 2, or omit the option to train in this process",
    )
    require(
        config.batch_size % workers == 0,
        found=f"--batch_size {config.batch_size} with --workers {workers}",
        expected="a batch that divides evenly among the processes",
        fix=f"use --batch_size {workers * max(1, round(config.batch_size / workers))}",
    )
    require(
        backend == "jax",
        found=f"--workers with KERAS_BACKEND={backend}",
        expected="JAX: Keras joins several processes on no other backend",
        fix=f"set KERAS_BACKEND=jax ({pip('install', 'jax==0.10.*')})",
    )
    require(
        importlib.util.find_spec("ray") is not None,
        found="--workers without the package 'ray'",
        expected="Ray Train, which starts the processes",
        fix=f"{pip('install', 'ray[train]==2.60.*')}, on every host",
    )


def _fit(task: _Launch, train: Train, workers: int, address: str | None) -> None:
    """Runs Ray's trainer over the processes until they are done."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

    with _connected(ray, address):
        resource = "GPU" if ray.cluster_resources().get("GPU") else "CPU"
        _check_room(workers, resource, int(ray.cluster_resources().get(resource, 0)))
        trainer = DataParallelTrainer(
            work,
            # As bytes: unpickling imports Keras, and that comes after `work` has set its backend.
            train_loop_config={"task": task, "train": pickle.dumps(train)},
            scaling_config=ScalingConfig(num_workers=workers, use_gpu=resource == "GPU"),
            run_config=RunConfig(
                name="processes",
                storage_path=str(task.notes),
                failure_config=FailureConfig(max_failures=_RESTARTS),
            ),
        )
        try:
            trainer.fit()
        except SystemExit:  # Ray's answer to Ctrl-C.
            raise KeyboardInterrupt("stopped; to go on: the same command with --resume") from None
        except ray.train.TrainingFailedError as error:
            _raise_refusal(task)
            raise RunError(
                found=f"the processes failed {_RESTARTS + 1} times, at last so: {error}",
                expected="processes that live",
                fix="mend what their messages above name, then the same command with --resume",
            ) from error
    _raise_refusal(task)


@contextlib.contextmanager
def _connected(ray: Any, address: str | None) -> Any:
    """Connects to a cluster, or starts Ray on this machine for as long as the run takes."""
    try:
        ray.init(
            address=address or "local",
            logging_level="warning",
            # Without a dashboard, one of Ray's monitors warns every few seconds that it is missing.
            logging_config=ray.LoggingConfig(encoding="TEXT", log_level="ERROR"),
            **({} if address else {"include_dashboard": False}),
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise RunError(
            found=f"no Ray cluster answers at {address}: {error}",
            expected="the address that `ray start --head` printed on the first host",
            fix="start the cluster first, or omit --ray to use this machine alone",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_room(workers: int, resource: str, found: int) -> None:
    """Refuses more processes than there are devices: Ray would wait for them without end."""
    require(
        workers <= found,
        found=f"--workers {workers}, but Ray has {found} {resource}s",
        expected=f"a {resource} for each process",
        fix=f"use --workers {max(1, found)}, or add hosts to the cluster",
    )


def work(settings: dict[str, Any]) -> None:
    """Runs one process: sets its rank in the environment and trains.

    A `FingerspellError` would come again after every restart: it is written down, and a process
    that finds it so returns.
    """
    import ray.train

    task: _Launch = settings["task"]
    if any(task.notes.glob(_REFUSED)):
        return
    config = task.config
    if task.old_run.exists():
        config = replace(config, overwrite=True, resume=False)
    if task.working_dir.is_dir():
        os.chdir(task.working_dir)
    context = ray.train.get_context()
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    for name in NAMES:
        os.environ.pop(name, None)
    if context.get_world_size() > 1:
        rank = Rank(context.get_world_rank(), context.get_world_size(), _meeting_point())
        os.environ.update(rank.environment)
    try:
        pickle.loads(settings["train"])(config, task.command)
    except FingerspellError as error:
        _note(task, context.get_world_rank(), error)
        raise


def _meeting_point() -> str:
    """Returns a free address (host:port) on the host of rank 0."""
    import ray
    from ray.train.collective import broadcast_from_rank_zero

    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    host = ray.util.get_node_ip_address()
    return str(broadcast_from_rank_zero(f"{host}:{port}"))


def _note(task: _Launch, rank: int, error: FingerspellError) -> None:
    """Writes why process `rank` gave up, in a file of its own: several may do so at once."""
    note = {"found": error.found, "expected": error.expected, "fix": error.fix}
    task.notes.mkdir(parents=True, exist_ok=True)
    write_json(task.notes / _REFUSED.replace("*", str(rank)), note)


def _raise_refusal(task: _Launch) -> None:
    """Raises what made a process give up for good, if one did."""
    for path in sorted(task.notes.glob(_REFUSED)):
        raise RunError(**run_folder.read_json(path))
