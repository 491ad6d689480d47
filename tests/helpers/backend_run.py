"""Small runs in a process of its own, on the backend that KERAS_BACKEND names.

Arguments: WEIGHTS DATA FOLDER. Prints as JSON what came of the runs, and of the backend's tests.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.one_backend import leave_tensorflow_out

DEVICES = Path(__file__).resolve().parents[1] / "train" / "test_devices.py"
STOPS_AFTER = 8
"""Steps: in the network's second epoch, where optimizer, averages and sums have moved."""


def small(data: Path, output: Path, **changes: object) -> Any:
    """A run whose course no backend's own random numbers decide: there is no dropout."""
    from dataclasses import replace

    from helpers.small_run import FINETUNE, HEAD, SMALL, small_config

    settings = {
        "model": replace(SMALL, dropout=0.0),
        "phases": (
            replace(HEAD, epochs=1, learning_rate=0.05),
            replace(FINETUNE, epochs=2, learning_rate=0.03),
        ),
        "trust": True,
        **changes,
    }
    return small_config(data, output, **settings)


def rows(output: Path) -> dict[str, list[float]]:
    """Returns the curves that are figures of learning and not of time."""
    history = json.loads((output / "training_history.json").read_text(encoding="utf-8"))
    return {name: history[name] for name in ("loss", "accuracy", "val_loss", "learning_rate")}


def interrupted(config: Any) -> None:
    """Trains until step `STOPS_AFTER` asks to stop, as Ctrl-C would; then goes on to the end."""
    import dataclasses

    from fingerspell.train import loop
    from helpers.small_run import train

    whole = loop.Steps.on_train_batch_end

    def asking(self: Any, batch: int, logs: Any = None) -> None:
        self.state.run.interrupt.asked = self.state.run.total_steps + 1 == STOPS_AFTER
        whole(self, batch, logs)

    loop.Steps.on_train_batch_end = asking
    try:
        train(config)
        raise SystemExit("nothing was interrupted")
    except KeyboardInterrupt as stop:
        print(stop, file=sys.stderr)
    finally:
        loop.Steps.on_train_batch_end = whole
    train(dataclasses.replace(config, resume=True))


def of_its_device(backend: str) -> int:
    """Runs the tests of `test_devices` that say something of a backend; returns pytest's code.

    In this process: loading a backend takes longer than they do.
    """
    chosen = f"step_in_parts or one_kind_of_step or whole_step or (truly and {backend})"
    return int(pytest.main(["-q", "-p", "no:xdist", str(DEVICES), "-k", chosen]))


def main(weights: Path, data: Path, folder: Path) -> None:
    """Trains straight through and with an interruption, from the same weights, and tells."""
    import keras

    from fingerspell.train import run
    from helpers.small_run import train
    from helpers.tiny_network import train_tiny

    train_tiny()

    def given(model: Any, *_: object) -> str:
        with np.load(weights) as stored:
            model.set_weights([stored[name] for name in stored.files])
        return "the test's own"

    run.load_first_weights = given
    straight = train(small(data, folder / "straight"))
    told = {
        "backend": keras.backend.backend(),
        "straight": rows(folder / "straight"),
        "temperature": straight["temperature"],
        "device": of_its_device(keras.backend.backend()),
    }
    if told["backend"] != "tensorflow":  # Dozens of runs of the suite are interrupted there.
        interrupted(small(data, folder / "stopped"))
        told["stopped"] = rows(folder / "stopped")
    print(json.dumps(told))


if __name__ == "__main__":
    leave_tensorflow_out()
    main(*(Path(argument) for argument in sys.argv[1:]))
