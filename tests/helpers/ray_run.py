"""A run of two processes under Ray Train, to be killed: arguments DATA OUTPUT BATCH_SIZE."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STEP_S = 0.05


def start(data: Path, output: Path, batch_size: int = 8) -> subprocess.Popen[str]:
    """Starts what `fingerspell train --workers 2` does, but with a small network."""
    paths = os.pathsep.join(str(ROOT / name) for name in ("src", "tests"))
    return subprocess.Popen(
        [sys.executable, "-m", "helpers.ray_run", str(data), str(output), str(batch_size)],
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": paths},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
    )  # fmt: skip


def pids(output: Path) -> dict[str, int]:
    """Returns the process that computes each part, by its number."""
    return {p.suffix[1:]: int(p.read_text()) for p in output.parent.glob("pid.*")}


def work(settings: dict[str, Any]) -> None:
    """Stands in for the launcher's: a small network, slow steps, a note of its number."""
    os.environ["KERAS_BACKEND"] = "jax"
    import ray.train

    from fingerspell.train import loop
    from fingerspell.train.distributed import launch
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


def main(data: Path, output: Path, batch_size: int) -> None:
    """Launches; the user's mistakes end with exit code 2, as on the command line."""
    from fingerspell.config import AugmentConfig
    from fingerspell.errors import FingerspellError
    from fingerspell.train.distributed import launch
    from helpers import ray_run
    from helpers.small_run import small_config, train

    launch.work = ray_run.work
    settings = {"augment": AugmentConfig(), "synthetic_per_class": 1, "save_every_min": 0.0}
    try:
        launch.launch(
            small_config(data, output, batch_size=batch_size, **settings), "train", train, 2
        )
    except FingerspellError as error:
        print(f"error: {error}")
        sys.exit(2)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
