"""What the phases share: how many steps an epoch has."""

from __future__ import annotations

from pathlib import Path

import pytest

from fingerspell.config import SamplingConfig
from fingerspell.dataset.manifest import Manifest, Sample
from fingerspell.train.session import Run
from helpers.small_run import small_config


@pytest.mark.parametrize(("power", "steps"), [(1.0, 25), (0.5, 2), (0.0, 1)])
def test_an_epoch_has_the_steps_that_its_deck_fills(
    tmp_path: Path, power: float, steps: int
) -> None:
    """Two films of 100 frames: at a power of a half they are 20 pictures, 2 batches of 8."""
    films = [
        Sample(f"{label}{i}", label, "train", label, "home", "", "", 0, 0)
        for label in ("A", "B")
        for i in range(100)
    ]
    manifest = Manifest(tmp_path, tuple(films), ("A", "B"), "")
    config = small_config(
        tmp_path, tmp_path, sampling=SamplingConfig(group_power=power), batch_size=8
    )
    assert Run(config, manifest, None, "").steps() == steps
