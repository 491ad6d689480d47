"""Checks that several configurations share."""

from __future__ import annotations

from fingerspell.errors import require


def require_seed(seed: int) -> None:
    """Refuses a seed below 0, which no generator takes."""
    require(seed >= 0, found=f"seed={seed}", expected="a whole number from 0", fix="use --seed 42")
