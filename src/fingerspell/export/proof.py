"""Runs the parity contract over every file of a bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fingerspell.export import answers, frozen, savedmodel
from fingerspell.export.parity import (
    LEAST_PICTURES,
    TOLERANCE,
    Answers,
    Parity,
    compare,
    require_parity,
)
from fingerspell.export.tflite import FILES

FP16_AGREEMENT = 0.99
INT8_AGREEMENT = 0.97
NO_LIMIT = float("inf")
Opener = Callable[[Path, tuple[int, int]], Answers]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What one export is held to. An `advisory` bound is reported and warned of, never refused."""

    tolerance: float = TOLERANCE
    agreement: float = 1.0
    advisory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One way into one export, and its bound."""

    name: str
    open: Opener
    bound: Bound = Bound()


CHECKS: tuple[Check, ...] = (
    Check(
        name="saved_model serving_default",
        open=lambda folder, size: answers.of_saved_model_pixels(folder / savedmodel.FOLDER, size),
    ),
    Check(
        name="saved_model jpeg",
        open=lambda folder, _size: answers.of_saved_model_jpeg(folder / savedmodel.FOLDER),
    ),
    Check(
        name="frozen image:0",
        open=lambda folder, size: answers.of_frozen_pixels(folder / frozen.FILE_NAME, size),
    ),
    Check(
        name="frozen DecodeJpeg/contents:0",
        open=lambda folder, _size: answers.of_frozen_jpeg(folder / frozen.FILE_NAME),
    ),
    Check(
        name="tflite float32",
        open=lambda folder, size: answers.of_tflite(folder / FILES["float32"], size),
    ),
    Check(
        name="tflite fp16",
        open=lambda folder, size: answers.of_tflite(folder / FILES["fp16"], size),
        bound=Bound(tolerance=NO_LIMIT, agreement=FP16_AGREEMENT),
    ),
    Check(
        name="tflite int8",
        open=lambda folder, size: answers.of_tflite(folder / FILES["int8"], size),
        bound=Bound(tolerance=NO_LIMIT, agreement=INT8_AGREEMENT, advisory=True),
    ),
)


def prove(
    reference: Answers,
    folder: Path,
    size_px: tuple[int, int],
    jpegs: Sequence[bytes],
    checks: Sequence[Check] = CHECKS,
) -> dict[str, Any]:
    """Returns the parity report of the exports in `folder`; raises `ExportError` at the first
    that fails its bound.

    `{"exports": {name: {pictures, max_difference, agreement, …}}, "warnings": […]}`
    """
    expected = reference(jpegs)
    exports: dict[str, Any] = {}
    warnings: list[str] = []
    for check in checks:
        parity = compare(lambda _jpegs: expected, check.open(folder, size_px), jpegs)
        held = hold(check, parity)
        if not held:
            warnings.append(
                f"{check.name} names the trained model's class on {parity.agreement:.1%} of "
                f"pictures, less than {check.bound.agreement:.0%}: prefer another precision"
            )
        exports[check.name] = {**asdict(parity), "bound": _bound(check.bound), "held": held}
    return {"least_pictures": LEAST_PICTURES, "exports": exports, "warnings": warnings}


def hold(check: Check, parity: Parity) -> bool:
    """Returns whether an advisory bound holds; raises `ExportError` where a strict one does not."""
    bound = check.bound
    if bound.advisory:
        return parity.agreement >= bound.agreement
    require_parity(parity, check.name, bound.tolerance, least_agreement=bound.agreement)
    return True


def _bound(bound: Bound) -> dict[str, Any]:
    tolerance = None if bound.tolerance == NO_LIMIT else bound.tolerance
    return {"tolerance": tolerance, "agreement": bound.agreement, "advisory": bound.advisory}
