"""Starts the processes of one run with Ray Train, and starts them anew where one was lost.

A process knows nothing of Ray: `work` tells it its place by Keras's environment variables, as any
other launcher can, and calls `train`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fingerspell.config import TrainConfig
from fingerspell.errors import FingerspellError, RunError, require
from fingerspell.files import write_json
from fingerspell.train import run_folder
from fingerspell.train.distributed.process_group import NAMES, Rank

RESTARTS = 5
"""So often a run is started again after processes were lost; each start costs about a minute."""

MANNERS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # Ray reports its use to its makers unless told otherwise.
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",  # Every line would come twice.
    "RAY_DEDUP_LOGS": "0",  # Epochs may look alike.
}

NOTES, REFUSED = ".ray", "refused_*.json"
"""What Ray writes in the run folder while it works, and why each process gave up for good."""

OLD_RUN = ".old_run"
"""Lies among the checkpoints of a run that is to be replaced, and goes when they do."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What every process has to know."""

    config: TrainConfig
    command: str
    working_dir: Path

    @property
    def notes(self) -> Path:
        """Returns the folder through which the processes and their starter talk."""
        return self.config.output_dir / NOTES

    @property
    def old_run(self) -> Path:
        """Returns what is there for as long as a run that is to be replaced is."""
        return self.config.output_dir / run_folder.CHECKPOINTS / OLD_RUN


def launch(config: TrainConfig, command: str, workers: int, address: str | None = None) -> None:
    """Trains `config` in `workers` processes, on this machine or on the Ray cluster at `address`.

    The processes always go on where checkpoints lie, so that a lost one costs what came after
    the last. Raises a `FingerspellError` for whatever the user can mend. A run that is to be
    replaced is removed by the first process, once it has found nothing to refuse.
    """
    check(config, workers)
    place = config.output_dir
    run_folder.open_folder(place, overwrite=False, resume=config.overwrite or config.resume)
    absolute = replace(
        config,
        dataset_dir=config.dataset_dir.resolve(),
        output_dir=config.output_dir.resolve(),
        overwrite=False,
        resume=True,
    )
    task = Launch(absolute, command, Path.cwd())
    shutil.rmtree(task.notes, ignore_errors=True)
    task.old_run.unlink(missing_ok=True)
    if config.overwrite and any((place / name).exists() for name in run_folder.FILES):
        task.old_run.parent.mkdir(exist_ok=True)
        task.old_run.touch()
    try:
        _fit(task, workers, address)
    finally:
        shutil.rmtree(task.notes, ignore_errors=True)
        task.old_run.unlink(missing_ok=True)


def check(config: TrainConfig, workers: int) -> None:
    """Raises `ConfigError` unless `workers` processes can share a run of `config` here."""
    require(
        workers >= 1,
        found=f"--workers {workers}",
        expected="at least one process",
        fix="use --workers 2, or leave the option out to train in this process",
    )
    require(
        config.batch_size % workers == 0,
        found=f"--batch_size {config.batch_size} with --workers {workers}",
        expected="a batch that divides evenly among the processes",
        fix=f"use --batch_size {workers * max(1, round(config.batch_size / workers))}",
    )
    import keras

    backend = keras.backend.backend()
    require(
        backend == "jax",
        found=f"--workers with KERAS_BACKEND={backend}",
        expected="JAX: Keras joins several processes on no other backend",
        fix='set KERAS_BACKEND=jax (pip install "jax==0.10.*")',
    )
    require(
        importlib.util.find_spec("ray") is not None,
        found="--workers without the package 'ray'",
        expected="Ray Train, which starts the processes",
        fix='pip install ".[cluster]", on every host',
    )


def _fit(task: Launch, workers: int, address: str | None) -> None:
    """Runs Ray's own loop over the processes until they are done."""
    for name, value in MANNERS.items():
        os.environ.setdefault(name, value)
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

    with _connected(ray, address):
        resource = "GPU" if ray.cluster_resources().get("GPU") else "CPU"
        _check_room(workers, resource, int(ray.cluster_resources().get(resource, 0)))
        trainer = DataParallelTrainer(
            work,
            train_loop_config={"task": task},
            scaling_config=ScalingConfig(num_workers=workers, use_gpu=resource == "GPU"),
            run_config=RunConfig(
                name="processes",
                storage_path=str(task.notes),
                failure_config=FailureConfig(max_failures=RESTARTS),
            ),
        )
        try:
            trainer.fit()
        except SystemExit:  # Ray's answer to Ctrl-C.
            raise KeyboardInterrupt("stopped; to go on: the same command with --resume") from None
        except ray.train.TrainingFailedError as error:
            _raise_refusal(task)
            raise RunError(
                found=f"the processes failed {RESTARTS + 1} times, at last so: {error}",
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
            # Without a dashboard, a guard of Ray's warns every few seconds that it sees none.
            logging_config=ray.LoggingConfig(encoding="TEXT", log_level="ERROR"),
            **({} if address else {"include_dashboard": False}),
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise RunError(
            found=f"no Ray cluster answers at {address}: {error}",
            expected="the address that `ray start --head` printed on the first host",
            fix="start the cluster first, or leave --ray out to use this machine alone",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_room(workers: int, resource: str, found: int) -> None:
    """Refuses more processes than there is room for: Ray would wait for it without end."""
    require(
        workers <= found,
        found=f"--workers {workers}, but Ray has {found} {resource}s",
        expected=f"a {resource} for each process",
        fix=f"use --workers {max(1, found)}, or add hosts to the cluster",
    )


def work(settings: dict[str, Any]) -> None:
    """What each process does: takes its place and trains.

    A `FingerspellError` would come again after every restart: it is noted, and then the process
    that finds the note has nothing to do.
    """
    import ray.train

    task: Launch = settings["task"]
    if any(task.notes.glob(REFUSED)):
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
        place = Rank(context.get_world_rank(), context.get_world_size(), _meeting_point())
        os.environ.update(place.environment)
    from fingerspell.train.run import train

    try:
        train(config, task.command)
    except FingerspellError as error:
        _note(task, context.get_world_rank(), error)
        raise


def _meeting_point() -> str:
    """Returns an address of the first process's host at which all can meet."""
    import ray
    from ray.train.collective import broadcast_from_rank_zero

    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    host = ray.util.get_node_ip_address()
    return str(broadcast_from_rank_zero(f"{host}:{port}"))


def _note(task: Launch, rank: int, error: FingerspellError) -> None:
    """Notes why process `rank` gave up, in a file of its own: several may do so at once."""
    note = {"found": error.found, "expected": error.expected, "fix": error.fix}
    task.notes.mkdir(parents=True, exist_ok=True)
    write_json(task.notes / REFUSED.replace("*", str(rank)), note)


def _raise_refusal(task: Launch) -> None:
    """Raises what made a process give up for good, if one did."""
    for path in sorted(task.notes.glob(REFUSED)):
        raise RunError(**run_folder.read_json(path))
