"""One step of learning on the card: pictures are chosen, changed, mixed and learnt in one go.

All of it is recorded once as a CUDA graph, where there is such a card, and then replayed: the
processor only says the rate and how pictures are mixed. Without one every step is launched anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from card_changes import changed, cutmix, mixup, shuffled

if TYPE_CHECKING:
    from fingerspell.config import AugmentConfig
    from on_card import OnCard
    from twin import Twin

WEIGHT_DECAY = 0.02
STYLED = ("expanded_conv_project_bn", "expanded_conv_2_add", "expanded_conv_5_add")
"""After these layers MixStyle mixes: where a picture still is a half, a quarter, an eighth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stretch at one peak rate.

    `of` names the stages, joined by +, the mean of whose ends it begins with, "" the start;
    `share` is its part of the time and `synthetic` the share of synthetic hands. Sources count by their
    size to the power `source_power`. `mixup`, `cutmix` and `mixstyle` are the parameters of the
    beta distributions that they mix by, 0 for none; `adversary` is how much unlearning where a
    picture comes from counts; `taught` is the share of a target that teachers say. `settled`:
    BatchNormalization keeps its statistics.
    """

    name: str
    rate: float
    augment: AugmentConfig
    of: str = ""
    share: float = 1.0
    side: int = 160
    synthetic: float = 0.4
    smoothing: float = 0.05
    source_power: float = 0.5
    mixup: float = 0.0
    cutmix: float = 0.0
    mixstyle: float = 0.0
    adversary: float = 0.0
    taught: float = 0.0
    settled: bool = False
    seed: int = 1


class Reversed(torch.autograd.Function):
    """Hands on what it is given, and gradients with the other sign.

    Ganin et al., Domain-Adversarial Training of Neural Networks, JMLR 2016.
    """

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return -gradient


def restyled(x: Tensor, shares: Tensor, other: Tensor) -> Tensor:
    """Mixes means and deviations of channels between pictures (N, C, H, W), `shares` (N, 1, 1, 1).

    Zhou et al., Domain Generalization with MixStyle, ICLR 2021.
    """
    whole = x.float()
    mean = whole.mean((2, 3), keepdim=True).detach()
    spread = (whole.var((2, 3), keepdim=True) + 1e-6).sqrt().detach()
    as_other = [torch.lerp(y[other], y, shares) for y in (spread, mean)]
    return ((whole - mean) / spread * as_other[0] + as_other[1]).to(x.dtype)


class Step:
    """Learns one batch; `network` is left with its weights, the optimizer with its memory."""

    def __init__(
        self, network: Twin, stage: Stage, batch: int, card: OnCard, teachers: Sequence[Twin] = ()
    ) -> None:
        device = card.device
        self.network, self.stage, self.batch, self.teachers = network, stage, batch, teachers
        self.photos = card.photos.counted(stage.source_power)
        self.drawings, self.backgrounds = card.drawings, card.backgrounds
        self.rows = torch.eye(len(card.labels), device=device)
        self.cuda = device.type == "cuda"
        self.rate, self.loss = (torch.zeros((), device=device) for _ in range(2))
        self.mixed, self.styles = torch.ones((), device=device), torch.ones(batch, device=device)
        kernels = [p for p in network.parameters() if p.ndim > 1]
        vectors = [p for p in network.parameters() if p.ndim <= 1]
        self.adversary: nn.Linear | None = None
        if stage.adversary:
            wide = network.weight("logits", "kernel").shape[1]
            self.adversary = nn.Linear(wide, card.photos.origins + 1).to(device)
            kernels += [*self.adversary.parameters()]
        self.optimizer = torch.optim.AdamW(
            [{"params": kernels, "weight_decay": WEIGHT_DECAY},
             {"params": vectors, "weight_decay": 0.0}],
            lr=self.rate, capturable=self.cuda, foreach=self.cuda,
        )  # fmt: skip
        network.settled = stage.settled
        network.train()
        self.random = np.random.default_rng([stage.seed, 5])
        self.graph: Any = None
        if self.cuda:
            self.record()

    def record(self) -> None:
        """Runs a few steps at rate 0, and then notes one."""
        kept = {name: value.clone() for name, value in self.network.state_dict().items()}
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(2):
                self.compute()
        torch.cuda.current_stream().wait_stream(beside)
        self.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.compute()
        self.graph = graph
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                value.copy_(kept[name])
        self.forget()

    def forget(self) -> None:
        """Forgets what the optimizer remembers, in place: the recorded step keeps its tensors."""
        for state in self.optimizer.state.values():
            for value in state.values():
                value.zero_()

    @torch.no_grad()
    def pictures(self) -> tuple[Tensor, Tensor, Tensor]:
        """Returns a changed batch, its targets, and which source each comes from."""
        stage = self.stage
        from_synthetic = round(self.batch * stage.synthetic)
        parts = (
            [self.photos.some(self.batch - from_synthetic)] if from_synthetic < self.batch else []
        )
        parts += [self.drawings.some(from_synthetic)] if from_synthetic else []
        pictures = torch.cat(
            [changed(part[0], stage.side, stage.augment, self.backgrounds) for part in parts]
        )
        numbers, origins = (torch.cat([part[x] for part in parts]) for x in (1, 2))
        even = stage.smoothing / self.rows.shape[1]
        targets = self.rows[numbers] * (1 - stage.smoothing) + even
        if stage.mixup:
            pictures, targets = mixup(pictures, targets, self.mixed)
        elif stage.cutmix:
            pictures, targets = cutmix(pictures, targets, self.mixed)
        return pictures.contiguous(memory_format=torch.channels_last), targets, origins

    def compute(self) -> None:
        stage, network = self.stage, self.network
        pictures, targets, origins = self.pictures()
        after = None
        if stage.mixstyle:
            other, shares = shuffled(self.batch, pictures.device), self.styles.view(-1, 1, 1, 1)

            def after(name: str, x: Tensor) -> Tensor:
                return restyled(x, shares, other) if name in STYLED else x

        self.optimizer.zero_grad(set_to_none=True)
        kind = "cuda" if self.cuda else "cpu"
        with torch.autocast(kind, torch.bfloat16, enabled=self.cuda, cache_enabled=False):
            features = network.features(pictures, after)
            if self.teachers:
                with torch.no_grad():
                    said = [torch.softmax(x(pictures).float(), 1) for x in self.teachers]
                targets = torch.lerp(targets, torch.stack(said).mean(0), stage.taught)
        logits = network.logits(features)
        loss = -(targets * functional.log_softmax(logits.float(), 1)).sum(1).mean()
        told = loss.detach()
        if self.adversary is not None:
            guessed = self.adversary(Reversed.apply(features.float()))
            loss = loss + stage.adversary * functional.cross_entropy(guessed, origins)
        loss.backward()
        self.optimizer.step()
        self.loss.copy_(told)

    def __call__(self, rate: float) -> None:
        """Takes a step at a rate."""
        stage = self.stage
        self.rate.fill_(rate)
        alpha = stage.mixup or stage.cutmix
        if alpha:
            self.mixed.fill_(float(self.random.beta(alpha, alpha)))
        if stage.mixstyle:
            shares = self.random.beta(stage.mixstyle, stage.mixstyle, self.batch)
            # Half of the pictures keep their own style, as in the paper.
            shares = np.where(self.random.random(self.batch) < 0.5, 1.0, shares)
            self.styles.copy_(torch.from_numpy(shares.astype(np.float32)))
        if self.graph is not None:
            self.graph.replay()
        else:
            self.compute()
