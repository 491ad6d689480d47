"""The contract of a bundle, `recogniser.json`: input, output, labels, threshold, hashes."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fingerspell.errors import BundleError

FILE_NAME = "recogniser.json"
_FORMAT = 1
STANDARD_THRESHOLD = 0.7
"""Where no training fitted one."""

INPUT = (
    "RGB, float32 in [0, 1], shape [N, height, width, 3], in TFLite files N = 1; padded with black "
    "to the aspect ratio, then area-averaged when shrinking and bilinear when enlarging"
)
OUTPUT = (
    "float32 probabilities in label order, shape [N, labels]; the temperature is applied inside"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What goes in, what comes out, and what to believe.

    `temperature` was folded into the network's last layer: a caller applies nothing.
    `threshold` is the probability from which an answer is accepted.
    `files` maps a file name of the bundle to its SHA-256, `least_runtime` that of a TFLite file to
    the oldest TensorFlow Lite that runs it (empty in bundles of before).
    """

    labels: tuple[str, ...]
    height_px: int
    width_px: int
    threshold: float
    temperature: float = 1.0
    backbone: str = ""
    files: dict[str, str] = field(default_factory=dict)
    least_runtime: dict[str, str] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        body = {"format": _FORMAT, "input": INPUT, "output": OUTPUT, **asdict(self)}
        return json.dumps(body, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Contract:
        """Reads what `to_json` wrote; raises `BundleError` on anything else."""
        try:
            body = json.loads(text.decode("utf-8") if isinstance(text, bytes) else text)
            if (number := body.pop("format")) != _FORMAT:
                raise ValueError(f"format {number!r}; newer than this version, if it is larger")
            body.pop("input"), body.pop("output")
            _check(**body)
            return cls(**{**body, "labels": tuple(body["labels"])})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleError(
                found=f"a {FILE_NAME} that cannot be read ({error})",
                expected=f"format {_FORMAT}, as `fingerspell export` writes it",
                fix="export the run folder again",
            ) from error


def _check(
    *,
    labels: Any,
    height_px: Any,
    width_px: Any,
    threshold: Any,
    temperature: Any = 1.0,
    **more: Any,
) -> None:
    """Raises `ValueError` for what no export writes."""
    wrong = {
        "labels": not isinstance(labels, list) or not labels
        or not all(isinstance(x, str) and x for x in labels) or len({*labels}) < len(labels),
        "height_px": type(height_px) is not int or height_px < 1,
        "width_px": type(width_px) is not int or width_px < 1,
        "threshold": type(threshold) not in (int, float) or not 0 <= threshold <= 1,
        "temperature": type(temperature) not in (int, float) or not 0 < temperature < math.inf,
        **{x: not isinstance(more.get(x, {}), dict) for x in ("files", "least_runtime", "origin")},
    }  # fmt: skip
    if names := [name for name, is_wrong in wrong.items() if is_wrong]:
        raise ValueError(f"no usable {', '.join(names)}")


def read_contract(folder: Path) -> Contract:
    """Reads the contract of a bundle folder; raises `BundleError` where there is none."""
    path = folder / FILE_NAME
    if not path.is_file():
        raise BundleError(
            found=f"no {FILE_NAME} in {folder}",
            expected="a run folder that training or `fingerspell export` has finished",
            fix="train first: python backend/train_finetune.py --dataset_dir dataset",
        )
    return Contract.from_json(path.read_bytes())
