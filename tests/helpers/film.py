"""Short real video files in the tiny bundle's colours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from helpers.tiny_bundle import COLOURS


def write_film(path: Path, scenes: Sequence[tuple[str, float]], fps: float) -> Path:
    """Writes (label, seconds) scenes as motion JPEG, which OpenCV carries everywhere."""
    height, width = 96, 80
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), fps, (width, height))
    for label, length_s in scenes:
        frame = np.full((height, width, 3), COLOURS[label][::-1], np.uint8)
        for _ in range(round(length_s * fps)):
            writer.write(frame)
    writer.release()
    return path
