"""What the package brings with it: the released recogniser."""

from __future__ import annotations

from pathlib import Path

STARTER = Path(__file__).resolve().parent / "starter"
"""The released recogniser: a bundle of one half-precision model, and the weights to train on."""
