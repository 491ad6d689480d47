"""A released recogniser for tests: any small network, packed as the true one is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fingerspell.model.weights import WEIGHTS, built_as, pack
from fingerspell.runtime.contract import FILE_NAME, Contract


def starter_folder(folder: Path, model: Any, labels: Sequence[str]) -> Path:
    """Fills `folder` with a network's weights and their contract; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    content = pack(model)
    (folder / WEIGHTS).write_bytes(content)
    height_px, width_px = model.input_shape[1:3]
    contract = Contract(
        labels=tuple(labels),
        height_px=height_px,
        width_px=width_px,
        threshold=0.7,
        backbone=model.name,
        files={WEIGHTS: hashlib.sha256(content).hexdigest()},
        origin={"finished": "2026-01-01", **built_as(model)},
    )
    (folder / FILE_NAME).write_text(contract.to_json(), encoding="utf-8", newline="\n")
    return folder
