"""The stretches that a training run consists of."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from fingerspell.errors import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One stretch of training at one peak learning rate.

    `unfrozen_from` names the first backbone layer that may move, `"all"` frees the whole
    backbone, `None` keeps it frozen (the phase then runs on cached features). Where a backbone
    moves, `batchnorm_momentum=None` keeps BatchNormalization frozen; a number trains it.
    """

    name: str
    epochs: int
    learning_rate: float
    unfrozen_from: str | None = None
    batchnorm_momentum: float | None = None
    warmup_share: float = 0.1
    patience_epochs: int = 5

    def __post_init__(self) -> None:
        require(
            self.epochs >= 0,
            found=f"{self.name}.epochs={self.epochs}",
            expected="a whole number of passes, 0 or more",
            fix="set epochs=0 to skip the phase",
        )
        require(
            self.learning_rate > 0,
            found=f"{self.name}.learning_rate={self.learning_rate}",
            expected="a rate above 0",
            fix="try 1e-3",
        )


def two_phases(
    epochs: int, patience_epochs: int = 5, pretrained: bool = True
) -> tuple[Phase, Phase]:
    """Returns the training guide's two phases for a total of `epochs` passes.

    A third of them, at most 15, train the head on cached features; the rest move the whole
    network. With pretrained weights BatchNormalization keeps its statistics; without, there are
    none to keep: the head would learn from noise, so all passes go to the second phase, and
    BatchNormalization is trained (docs/adr/0004-recipe.md).
    """
    require(
        epochs >= 1,
        found=f"epochs={epochs}",
        expected="at least 1 pass",
        fix="use --epochs 50, or --epochs 12 for a quick run",
    )
    head = min(15, epochs // 3) if pretrained else 0
    return (
        Phase(name="head", epochs=head, learning_rate=3e-3, patience_epochs=patience_epochs),
        Phase(
            name="finetune",
            epochs=epochs - head,
            learning_rate=3e-4 if pretrained else 1e-3,
            unfrozen_from="all",
            batchnorm_momentum=None if pretrained else 0.95,
            patience_epochs=patience_epochs,
        ),
    )


def require_falling_rates(phases: tuple[Phase, ...]) -> None:
    """Pretrained weights are fragile: a phase that moves more may not move faster."""
    for before, after in itertools.pairwise(phases):
        require(
            after.learning_rate < before.learning_rate or after.unfrozen_from is None,
            found=f"{after.name}.learning_rate={after.learning_rate} is not below "
            f"{before.name}.learning_rate={before.learning_rate}",
            expected="a smaller rate once pretrained weights can move",
            fix=f"try {after.name}.learning_rate={before.learning_rate / 10:g}",
        )
