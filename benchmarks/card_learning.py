"""Learning on the card, and reading there: what every training on it does alike."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from card_pictures import Photos
from card_step import Stage, Step
from fingerspell.config import AugmentConfig
from fingerspell.config.recipe import load_recipe
from on_card import Read
from twin import Arrays, Twin

ROOT = Path(__file__).resolve().parents[1]
MOMENTUM = 0.95
WARM_UP_STEPS = 100
AVERAGED = 0.06
"""Over about this share of a stage's steps the weights that are kept are averaged."""

TOLD_S = 10
"""Seconds after which a stage tells of itself again."""

State = dict[str, Tensor]


def usual_changes() -> AugmentConfig:
    """Returns how far the recipe for unseen signers changes pictures."""
    return load_recipe(ROOT / "configs" / "unseen signers.py").config().augment


def network_on(
    device: torch.device, layers: list[dict[str, Any]], arrays: Arrays, dropout: float = 0.0
) -> Twin:
    """Returns a network on a device, its channels last: three times as fast there."""
    network = Twin(layers, arrays, dropout, MOMENTUM).to(device)
    return network.to(memory_format=torch.channels_last)


def name_of(device: torch.device) -> str:
    """Returns what a card is called."""
    return torch.cuda.get_device_name() if device.type == "cuda" else "cpu"


def clock() -> Callable[[str], None]:
    """Returns what prints a line with the seconds since now."""
    began_s = time.perf_counter()

    def told(text: str) -> None:
        print(f"[{time.perf_counter() - began_s:6.1f}] {text}", flush=True)

    return told


class Mean:
    """A running average of all weights, BatchNormalization's included."""

    def __init__(self, network: Twin) -> None:
        self.live = [*network.parameters(), *network.buffers()]
        self.means = [value.detach().clone() for value in self.live]
        self.steps = 0

    def follow(self, weight: float) -> None:
        """Takes in the weights of a step, at first of all steps alike."""
        self.steps += 1
        live = [value.detach() for value in self.live]
        torch._foreach_lerp_(self.means, live, max(weight, 1 / self.steps))

    @torch.no_grad()
    def settle(self) -> None:
        """Puts the averages into the network."""
        torch._foreach_copy_(self.live, self.means)


def rate_at(stage: Stage, step: int, done: float) -> float:
    """Returns the rate after `done` of a stage: warm-up by steps, then half a cosine."""
    climbed = min(1.0, (step + 1) / WARM_UP_STEPS)
    return stage.rate * climbed * (0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, done))) / 2)


def learn(
    step: Step, told: Callable[[str], None], steps: int = 0, seconds: float = 0.0,
    grow: bool = True,
) -> tuple[dict[str, Any], Mean]:  # fmt: skip
    """Trains a stage for so many steps or seconds.

    Returns its figures and the averaged weights; the network is left with the last ones. `grow`:
    hands drawn meanwhile are learnt, too.
    """
    stage, network = step.stage, step.network
    torch.manual_seed(stage.seed)
    mean, number, done, seen_s, losses = Mean(network), 0, 0.0, 0.0, []
    started_s = time.perf_counter()
    while done < 1:
        if grow and number % 20 == 0:
            step.drawings.take()
        step(rate_at(stage, number, done))
        number += 1
        passed = done or 1 / 500
        mean.follow(1 / max(20.0, AVERAGED * number / passed))
        if number % 20 == 0:
            losses.append(float(step.loss))  # Waits for the card: the clock must not run ahead.
            if not math.isfinite(losses[-1]):
                raise FloatingPointError(f"{stage.name}: a loss of {losses[-1]} in step {number}")
        spent_s = time.perf_counter() - started_s
        done = number / steps if steps else spent_s / seconds
        if spent_s - seen_s > TOLD_S:
            seen_s = spent_s
            loss = np.mean(losses[-10:] or [float(step.loss)])
            told(
                f"{stage.name}: step {number}, loss {loss:.3f}, "
                f"{number * step.batch / spent_s:,.0f}/s, {step.drawings.ready:,} drawn"
            )
    last = float(np.mean(losses[-20:])) if losses else float(step.loss)
    spent_s = time.perf_counter() - started_s
    return {
        "name": stage.name, "steps": number, "pictures": number * step.batch, "loss": last,
        "seconds": round(spent_s, 2), "pictures_per_s": round(number * step.batch / spent_s),
        "drawings": step.drawings.ready,
    }, mean  # fmt: skip


def fastest(
    make: Callable[[], Step], slow_ms: float, told: Callable[[str], None]
) -> tuple[Step, float]:
    """Returns a step and the seconds it takes.

    Where it takes longer than `slow_ms`, cuDNN tries its ways of every convolution; that takes
    most of a minute and stays if it helps.
    """
    step = make()
    taken_s = seconds_of(step)
    told(f"{1000 * taken_s:.1f} ms a step")
    if step.cuda and 1000 * taken_s > slow_ms:
        torch.backends.cudnn.benchmark, torch.backends.cudnn.benchmark_limit = True, 4
        tried = make()
        if (tried_s := seconds_of(tried)) < taken_s:
            step, taken_s = tried, tried_s
        else:
            torch.backends.cudnn.benchmark = False
        told(f"tried: {1000 * tried_s:.1f} ms")
    return step, taken_s


def seconds_of(step: Step) -> float:
    """Returns how long a step takes; everything is afterwards as before."""
    kept = state_of(step.network)
    step(0.0)
    step.loss.item()
    began_s, count = time.perf_counter(), 30 if step.cuda else 1
    for _ in range(count):
        step(0.0)
    step.loss.item()
    taken_s = (time.perf_counter() - began_s) / count
    restore(step.network, [kept])
    step.forget()
    return taken_s


def small(pictures: Tensor, side: int) -> Tensor:
    """Pictures uint8 (N, 4, S, S), unchanged before black → float32 (N, 3, side, side)."""
    return functional.interpolate(
        pictures[:, :3].float() / 255, (side, side), mode="bilinear", antialias=True,
        align_corners=False,
    )  # fmt: skip


def answers(networks: Sequence[Twin], side: int, mirrored: bool = False) -> Callable:
    """Returns what answers pictures by the mean of some networks, mirrored pictures too."""

    @torch.no_grad()
    def answer(pictures: Tensor) -> Tensor:
        seen = small(pictures, side)
        views = [seen, seen.flip(3)] if mirrored else [seen]
        on = pictures.device.type == "cuda"
        with torch.autocast(pictures.device.type, torch.bfloat16, enabled=on):
            said = [torch.softmax(one.eval()(x).float(), 1) for one in networks for x in views]
        return torch.stack(said).mean(0)

    return answer


def own(network: Twin, photos: Photos, side: int) -> float:
    """Returns the share of a split's pictures that are read right."""
    answer = answers([network], side)
    said = torch.cat([answer(part).argmax(1) for part in photos.pictures.split(256)])
    return float((said == photos.targets).float().mean())


def state_of(network: Twin) -> State:
    """Returns a copy of all weights."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


@torch.no_grad()
def restore(network: Twin, states: Sequence[State]) -> None:
    """Puts copied weights back in their place, or the mean of several."""
    for name, value in network.state_dict().items():
        value.copy_(torch.stack([state[name] for state in states]).mean(0))


def mean_24(read: Read, names: Sequence[str]) -> float:
    """Returns the mean over sources of the accuracy on 24 letters."""
    return float(np.mean([read[name]["letters_24"] for name in names]))


def changed_stage(stage: Stage, **changes: Any) -> Stage:
    """Returns a stage with other settings; those of `AugmentConfig` go to its augmentation."""
    own_names = {name for name in changes if name in Stage.__slots__}
    rest = {name: value for name, value in changes.items() if name not in own_names}
    augment = replace(changes.get("augment", stage.augment), **rest)
    return replace(stage, **{**{x: changes[x] for x in own_names}, "augment": augment})
