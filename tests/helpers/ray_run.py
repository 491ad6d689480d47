"""A run of two processes under Ray Train, to be killed: arguments DATA OUTPUT."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from fingerspell.config import AugmentConfig, TrainConfig
from fingerspell.errors import ConfigError, FingerspellError
from fingerspell.train.distributed import launch
from helpers import ray_run
from helpers.one_backend import leave_tensorflow_out
from helpers.small_run import small_config, train

ROOT = Path(__file__).resolve().parents[2]
STEP_S = 0.05
REFUSED = "refused: "
QUICK = {
    "RAY_worker_niceness": "0",  # Ray's processes would wait for every other test.
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",  # An actor takes seconds to start.
}


def start(data: Path, output: Path) -> subprocess.Popen[str]:
    """Starts what `fingerspell train --workers 2` does, but with a small network."""
    paths = os.pathsep.join(str(ROOT / name) for name in ("src", "tests"))
    return subprocess.Popen(
        [sys.executable, "-m", "helpers.ray_run", str(data), str(output)],
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": paths, **QUICK},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
    )  # fmt: skip


def pids(output: Path) -> dict[str, int]:
    """Returns the process that computes each part, by its number."""
    return {p.suffix[1:]: int(p.read_text()) for p in output.parent.glob("pid.*")}


def work(settings: dict[str, Any]) -> None:
    """Stands in for the launcher's: a small network, slow steps, a note of its number."""
    os.environ["KERAS_BACKEND"] = "jax"
    leave_tensorflow_out()
    import ray.train

    from fingerspell.train import loop
    from helpers.tiny_network import train_tiny

    rank = ray.train.get_context().get_world_rank()
    folder = settings["task"].config.output_dir.parent
    (folder / f"pid.{rank}").write_text(str(os.getpid()))
    train_tiny()
    whole = loop.Steps.on_train_batch_end

    def slow(self, batch, logs=None):  # type: ignore[no-untyped-def]
        whole(self, batch, logs)
        time.sleep(STEP_S)

    loop.Steps.on_train_batch_end = slow
    launch.work(settings)


def refuse(config: TrainConfig, _command: str) -> None:
    """Stands in for a training that finds a mistake of the user's."""
    raise ConfigError(found=str(config.output_dir.name), expected="a run", fix="mend it")


def main(data: Path, output: Path) -> None:
    """Launches what is refused, and then what is not, on one Ray."""
    os.environ.update(launch._ENVIRONMENT)
    import ray

    with launch._connected(ray, None):
        launch._connected = lambda *_: contextlib.nullcontext()
        try:
            launch.launch(config(data, output.with_name("mistake")), "train", ray_run.refuse, 1)
        except FingerspellError as error:
            print(f"{REFUSED}{error}", flush=True)
        launch.work = ray_run.work
        launch.launch(config(data, output), "train", train, 2)


def config(data: Path, output: Path, **changes: Any) -> TrainConfig:
    """Returns the settings of `helpers.killed_run`: the runs are compared."""
    settings = {"augment": AugmentConfig(), "synthetic_per_class": 1, "save_every_min": 0.0}
    return small_config(data, output, **settings, **changes)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
