"""One bundle for all export tests, of a tiny network: a true one takes much longer to write."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fingerspell.runtime.contract import Contract
from helpers.exports import (
    BUILD,
    HEAVY,
    LABELS,
    SIZE_PX,
    fitted,
    named,
    recogniser,
    tiny_recogniser,
)


@dataclass(frozen=True)
class Exported:
    model: Any
    contract: Contract
    folder: Path
    report: dict[str, Any]


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract(
        labels=LABELS,
        height_px=SIZE_PX[0],
        width_px=SIZE_PX[1],
        threshold=0.7,
        backbone="MobileNetV3Small",
    )


@pytest.fixture(scope="session")
def true(contract: Contract, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """(the files of a true network, what was proven); before a tiny one takes its place."""
    from fingerspell.export import export_bundle

    folder = tmp_path_factory.mktemp("true")
    return folder, export_bundle(recogniser(), contract, folder, named(), list(fitted(30)))


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, contract: Contract) -> Exported:
    from fingerspell.export import export_bundle

    folder = tmp_path_factory.mktemp("output")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BUILD, HEAVY)
        report = export_bundle(tiny_recogniser(), contract, folder, named(), list(fitted(30)))
    return Exported(tiny_recogniser(), contract, folder, report)
