"""Checks that several configurations share."""

from __future__ import annotations

from fingerspell.errors import require


def require_seed(seed: int) -> None:
    """Refuses a seed below 0, which no generator takes."""
    require(seed >= 0, found=f"seed={seed}", expected="a whole number from 0", fix="use --seed 42")


def require_smoothing(share: float) -> None:
    """Refuses a label smoothing that leaves nothing to the true class, or is below none."""
    require(
        0 <= share < 1,
        found=f"label_smoothing={share}",
        expected="a share from 0 up to, not including, 1",
        fix="use 0.05, or 0 for none",
    )
