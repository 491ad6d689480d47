"""A run put together: a recipe's own settings, and what the user asked for in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from fingerspell.config.network import ModelConfig
from fingerspell.config.phase import two_phases
from fingerspell.config.train import TrainConfig
from fingerspell.errors import require

NETWORK = tuple(field.name for field in fields(ModelConfig))
RUN = tuple(field.name for field in fields(TrainConfig) if field.name != "model")


def assemble(given: Mapping[str, Any], **own: Any) -> TrainConfig:
    """Returns the run of a recipe's `own` settings; what the user has `given` replaces them.

    Both name fields of `TrainConfig` or, for the network, of `ModelConfig`. The folders are
    `dataset` and `output` unless told otherwise. Raises `ConfigError` for unknown names.
    """
    folders = {"dataset_dir": Path("dataset"), "output_dir": Path("output")}
    settings = {**folders, **own, **given}
    for name in settings:
        require(
            name in NETWORK or name in RUN,
            found=f"a setting {name!r} that this recipe does not know",
            expected=f"one of {', '.join((*RUN, *NETWORK))}",
            fix="leave it away, or give the file's recipe() a parameter of that name",
        )
    network = {name: settings.pop(name) for name in NETWORK if name in settings}
    return TrainConfig(model=ModelConfig(**network), **settings)


def guide(
    *,
    epochs: int = 50,
    patience_epochs: int = 5,
    weights: str = "auto",
    **given: Any,
) -> TrainConfig:
    """Returns the training guide's run, corrected: what `fingerspell train` does by itself.

    Drawn hands are mixed in because nothing else helped strangers as much
    (docs/adr/0004-recipe.md).
    """
    return assemble(
        given,
        weights=weights,
        phases=two_phases(epochs, patience_epochs, pretrained=weights != "none"),
        drawn_per_class=100,
    )
