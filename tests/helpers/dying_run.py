"""Trainings that die, or that something happens to in the midst of their steps."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from fingerspell.config import TrainConfig
from fingerspell.train import loop
from helpers.small_run import train

EACH_STEP = (loop.Steps, "on_train_batch_end")
"""What dies, where a step is to be the last one."""


class Died(BaseException):
    """Nothing in the program catches it, as nothing catches SIGKILL."""


def dies(
    patch: pytest.MonkeyPatch, owner: Any, name: str, *, at: int = 1, after: bool = True
) -> None:
    """Makes the `at`-th call of `owner.name` die, after or before it did its work."""
    whole, calls = getattr(owner, name), itertools.count(1)

    def deadly(*args: Any, **kwargs: Any) -> Any:
        fatal = next(calls) == at
        result = None if fatal and not after else whole(*args, **kwargs)
        if fatal:
            raise Died
        return result

    patch.setattr(owner, name, deadly)


def train_until_it_dies(config: TrainConfig, owner: Any, name: str, **how: Any) -> None:
    """Trains until a call of `owner.name` dies, as `dies` says."""
    with pytest.MonkeyPatch.context() as patch:
        dies(patch, owner, name, **how)
        with pytest.raises(Died):
            train(config)


def before_each_step_ends(patch: pytest.MonkeyPatch, happens: Callable[[Any], None]) -> None:
    """Calls `happens(state)` when the weights have moved and the step is not counted yet."""
    whole = loop.Steps.on_train_batch_end

    def step(self: Any, batch: int, logs: Any = None) -> None:
        happens(self.state)
        whole(self, batch, logs)

    patch.setattr(loop.Steps, "on_train_batch_end", step)
