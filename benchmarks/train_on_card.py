"""Trains the recogniser for strangers on one card, by the clock: everything stays on the card.

    python benchmarks/train_on_card.py --network START.npz --dataset_dir dataset --output OUT

Needs PyTorch and what drawing hands needs; Keras is not asked. Photographs lie on the card as
bytes and are changed there (`card_changes.py`); other processes draw hands meanwhile; a step of
the network is recorded once as a CUDA graph. First the whole network goes on from START; from
where that ends several ways lead on, with other changes, rates or picture sizes, each to its own
end. `run_of_card.py` makes START, and a run folder of each end.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from card_changes import changed
from card_pictures import BACKGROUNDS, CANVAS_PX, Drawings, Photos, draw_backgrounds, load
from fingerspell.config.recipe_file import load_recipe
from fingerspell.data.manifest import read_manifest
from twin import Arrays, Twin, load_network, save_network

if TYPE_CHECKING:
    from fingerspell.config import AugmentConfig

ROOT = Path(__file__).resolve().parents[1]
MOMENTUM = 0.95
WARM_UP_STEPS = 150
AVERAGED_STEPS = 250
"""Over about so many steps the weights that are kept are averaged."""

FIRST_DRAWINGS = 1500
WEIGHT_DECAY = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stretch at one peak rate; `of` names the stage whose end it begins with, "" the start.

    `share` is its part of the time; `drawn` the share of drawn hands; `mixup` the parameter of
    MixUp's beta distribution, 0 for none.
    """

    name: str
    of: str
    share: float
    side: int
    rate: float
    drawn: float
    augment: AugmentConfig
    smoothing: float = 0.05
    mixup: float = 0.0


def stages(usual: AugmentConfig) -> list[Stage]:
    """Returns the way of the whole network, and the ways that lead on from its end."""
    bent = replace(usual, bend=0.08)
    strong = replace(
        bent, rotate_deg=28.0, zoom=0.6, hue_deg=50.0, shear=0.2, bend=0.1, grey_share=0.2,
        blur_share=0.3, noise_share=0.3, low_resolution_share=0.35, occlude_share=0.3,
    )  # fmt: skip
    base = Stage(name="base", of="", share=0.34, side=160, rate=1.5e-3, drawn=0.4, augment=bent)
    way = replace(base, of="base", share=0.09, rate=6e-4)
    wide = replace(way, share=0.13, side=192)
    return [
        base,
        replace(way, name="same"),
        replace(way, name="strong", augment=strong, rate=8e-4),
        replace(way, name="photos", drawn=0.2, augment=usual),
        replace(wide, name="same_192"),
        replace(wide, name="strong_192", augment=strong, rate=8e-4),
        replace(wide, name="mixup_192", mixup=0.2, drawn=0.3),
    ]


class Step:
    """One step of learning on pictures of one size, recorded as a CUDA graph where there is one."""

    def __init__(
        self, network: Twin, batch: int, side: int, classes: int, order: torch.memory_format
    ) -> None:
        device = next(network.parameters()).device
        self.network, self.cuda = network, device.type == "cuda"
        self.rate = torch.tensor(0.0, device=device)
        kernels = [p for p in network.parameters() if p.ndim > 1]
        vectors = [p for p in network.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": kernels, "weight_decay": WEIGHT_DECAY},
             {"params": vectors, "weight_decay": 0.0}],
            lr=self.rate, capturable=self.cuda, foreach=self.cuda,
        )  # fmt: skip
        self.pictures = torch.zeros((batch, 3, side, side), device=device)
        self.pictures = self.pictures.contiguous(memory_format=order)
        self.targets = torch.full((batch, classes), 1 / classes, device=device)
        self.loss = torch.zeros((), device=device)
        self.graph: Any = None
        if self.cuda:
            self.record()

    def record(self) -> None:
        """Runs a few steps at rate 0, and then notes one; without, every step is launched anew."""
        kept = {name: value.clone() for name, value in self.network.state_dict().items()}
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(4):
                self.compute()
        torch.cuda.current_stream().wait_stream(beside)
        try:
            self.optimizer.zero_grad(set_to_none=True)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self.compute()
            self.graph = graph
        except Exception as error:
            print(f"no graph: {type(error).__name__}: {error}", flush=True)
            torch.cuda.synchronize()
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                value.copy_(kept[name])

    def compute(self) -> None:
        kind = "cuda" if self.cuda else "cpu"
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(kind, torch.bfloat16, enabled=self.cuda, cache_enabled=False):
            logits = self.network(self.pictures)
        loss = -(self.targets * functional.log_softmax(logits.float(), 1)).sum(1).mean()
        loss.backward()
        self.optimizer.step()
        self.loss.copy_(loss.detach())

    def begin(self) -> None:
        """Forgets what the optimizer remembers, in place: the recorded step keeps its tensors."""
        for state in self.optimizer.state.values():
            for value in state.values():
                value.zero_()

    def __call__(self, pictures: Tensor, targets: Tensor, rate: float) -> None:
        self.pictures.copy_(pictures)
        self.targets.copy_(targets)
        self.rate.fill_(rate)
        if self.graph is not None:
            self.graph.replay()
        else:
            self.compute()


def fastest(network: Twin, batch: int, classes: int) -> torch.memory_format:
    """Returns the order of a picture's numbers in which this card takes a step in the least time.

    Leaves the network's kernels in that order.
    """
    taken = {}
    for order in (torch.channels_last, torch.contiguous_format):
        network.to(memory_format=order)
        step = Step(network, batch, 160, classes, order)
        for _ in range(5):
            step(step.pictures, step.targets, 0.0)
        torch.cuda.synchronize()
        started_s = time.perf_counter()
        for _ in range(15):
            step(step.pictures, step.targets, 0.0)
        torch.cuda.synchronize()
        taken[order] = (time.perf_counter() - started_s) / 15
        print(f"{order}: {1000 * taken[order]:.1f} ms a step", flush=True)
    best = min(taken, key=lambda order: taken[order])
    network.to(memory_format=best)
    return best


class Mean:
    """A running average of all weights, BatchNormalization's included."""

    def __init__(self, network: Twin) -> None:
        self.live = [*network.parameters(), *network.buffers()]
        self.means = [value.detach().clone() for value in self.live]
        self.steps = 0

    def follow(self) -> None:
        self.steps += 1
        weight = max(1 / AVERAGED_STEPS, 1 / self.steps)
        torch._foreach_lerp_(self.means, [v.detach() for v in self.live], weight)

    @torch.no_grad()
    def settle(self) -> None:
        """Puts the averages into the network."""
        torch._foreach_copy_(self.live, self.means)


def rate_at(stage: Stage, step: int, done: float) -> float:
    """Returns the rate after `done` of a stage's time: warm-up by steps, then half a cosine."""
    climbed = min(1.0, (step + 1) / WARM_UP_STEPS)
    return stage.rate * climbed * (0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, done))) / 2)


def learn(
    stage: Stage, seconds: float, step: Step, photos: Photos, drawings: Drawings,
    backgrounds: Tensor, told: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """Trains one stage; leaves the averaged weights in the network. Returns its figures."""
    network, batch, classes = step.network, len(step.pictures), step.targets.shape[1]
    network.train()
    step.begin()
    mean, number, seen_s, losses = Mean(network), 0, 0.0, []
    started_s = time.perf_counter()
    from_drawn = round(batch * stage.drawn)
    while (spent_s := time.perf_counter() - started_s) < seconds:
        if number % 20 == 0:
            drawings.take()
        one, other = photos.some(batch - from_drawn), drawings.some(from_drawn)
        parts = [changed(x, stage.side, stage.augment, backgrounds) for x, _ in (one, other)]
        pictures = torch.cat(parts)
        targets = functional.one_hot(torch.cat([one[1], other[1]]), classes).float()
        targets = targets * (1 - stage.smoothing) + stage.smoothing / classes
        if stage.mixup:
            share = float(np.random.beta(stage.mixup, stage.mixup))
            order = torch.randperm(batch, device=pictures.device)
            pictures = share * pictures + (1 - share) * pictures[order]
            targets = share * targets + (1 - share) * targets[order]
        step(pictures, targets, rate_at(stage, number, spent_s / seconds))
        mean.follow()
        number += 1
        if number % 20 == 0:
            losses.append(float(step.loss))  # Waits for the card: the clock must not run ahead.
            if not math.isfinite(losses[-1]):
                raise FloatingPointError(f"{stage.name}: a loss of {losses[-1]} in step {number}")
            if spent_s - seen_s > 10:
                seen_s = spent_s
                told(
                    f"{stage.name} {spent_s:.0f} s: step {number}, loss "
                    f"{np.mean(losses[-20:]):.3f}, {number * batch / spent_s:,.0f} pictures/s, "
                    f"{drawings.ready:,} drawn"
                )
    mean.settle()
    return {
        "name": stage.name, "steps": number, "pictures": number * batch,
        "pictures_per_s": round(number * batch / (time.perf_counter() - started_s)),
        "loss": float(np.mean(losses[-20:] or [step.loss.item()])), "drawings": drawings.ready,
        "stage": {**asdict(stage), "seconds": seconds},
    }  # fmt: skip


@torch.no_grad()
def accuracy(network: Twin, photos: Photos, side: int) -> float:
    """Returns the share of a split's pictures, unchanged before black, that are read right."""
    network.eval()
    right = 0
    for start in range(0, len(photos.pictures), 256):
        part = photos.pictures[start : start + 256, :3].float() / 255
        small = functional.interpolate(
            part, (side, side), mode="bilinear", antialias=True, align_corners=False
        )
        right += int((network(small).argmax(1) == photos.targets[start : start + 256]).sum())
    return right / len(photos.pictures)


def halved(arrays: Arrays) -> Arrays:
    """Returns kernels in half precision, vectors as they are: as the released weights lie."""
    return {name: a.astype(np.float16 if a.ndim > 1 else np.float32) for name, a in arrays.items()}


def run(args: argparse.Namespace) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    began_s = time.perf_counter()

    def told(text: str) -> None:
        print(f"[{time.perf_counter() - began_s:6.1f}] {text}", flush=True)

    torch.manual_seed(args.seed)
    np.random.seed(args.seed)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    manifest = read_manifest(args.dataset_dir)
    usual = load_recipe(ROOT / "configs" / "strangers.py").config().augment
    plan = [s for s in stages(usual) if not args.stages or s.name in args.stages]
    drawings = Drawings(manifest.labels, 160, args.room, args.seed, device, args.workers)
    told("drawing")
    photos, held = (load(manifest, split, device) for split in ("train", "val"))
    told(f"{len(photos.pictures):,} photographs on {device}, {CANVAS_PX} px")
    backgrounds = draw_backgrounds(manifest, 160, device, args.backgrounds)
    told(f"{len(backgrounds):,} backgrounds")
    layers, arrays = load_network(args.network)
    network = Twin(layers, arrays, args.dropout, MOMENTUM).to(device)
    classes, ends = len(manifest.labels), {"": network_state(network)}
    order = torch.contiguous_format
    if device.type == "cuda":
        order = fastest(network, args.batch, classes)
        restore(network, ends[""])
    steps = {
        side: Step(network, args.batch, side, classes, order)
        for side in sorted({stage.side for stage in plan})
    }
    told(f"recorded: {[step.graph is not None for step in steps.values()]}")
    restore(network, ends[""])
    args.output.mkdir(parents=True, exist_ok=True)
    drawings.take(FIRST_DRAWINGS if device.type == "cuda" else 24)
    told(f"start: val {accuracy(network, held, 160):.4f}, {drawings.ready:,} drawn")
    figures = []
    left = sum(stage.share for stage in plan)
    for stage in plan:
        restore(network, ends[stage.of if stage.of in ends else ""])
        remaining_s = args.budget_s - (time.perf_counter() - began_s) - args.reserve_s
        seconds = max(1.0, remaining_s * stage.share / left)
        left -= stage.share
        one = learn(stage, seconds, steps[stage.side], photos, drawings, backgrounds, told)
        one["val"] = accuracy(network, held, stage.side)
        told(f"{stage.name}: {one['pictures']:,} pictures, val {one['val']:.4f}")
        ends[stage.name] = network_state(network)
        save_network(args.output / f"{stage.name}.npz", layers, halved(network.arrays()))
        figures.append(one)
        told_of = {
            "torch": torch.__version__, "seed": args.seed, "batch": args.batch,
            "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
            "peak_bytes": torch.cuda.max_memory_reserved() if device.type == "cuda" else None,
            "spent_s": round(time.perf_counter() - began_s, 1), "stages": figures,
        }  # fmt: skip
        (args.output / "card.json").write_text(json.dumps(told_of, indent=1), encoding="utf-8")
    drawings.close()
    told("done")


def network_state(network: Twin) -> dict[str, Tensor]:
    """Returns a copy of all weights."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


@torch.no_grad()
def restore(network: Twin, state: dict[str, Tensor]) -> None:
    """Puts copied weights back in their place."""
    for name, value in network.state_dict().items():
        value.copy_(state[name])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--network", type=Path, required=True, help="where it begins (run_of_card.py start)")
    add("--dataset_dir", type=Path, default=Path("dataset"))
    add("--output", type=Path, required=True)
    add("--budget_s", type=float, default=500.0, help="for everything")
    add("--reserve_s", type=float, default=6.0, help="of it, for saving")
    add("--batch", type=int, default=256)
    add("--dropout", type=float, default=0.3)
    add("--seed", type=int, default=11)
    add("--room", type=int, default=180_000, help="drawings at most")
    add("--backgrounds", type=int, default=BACKGROUNDS)
    add("--workers", type=int, help="processes that draw")
    add("--stages", nargs="+", default=[], help="only these")
    run(parser.parse_args(argv))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
