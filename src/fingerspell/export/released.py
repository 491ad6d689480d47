"""Every export of the released recogniser, of which the package itself brings one file."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from fingerspell.export.bundle import export_bundle
from fingerspell.export.graphs import require_tensorflow
from fingerspell.export.release import CARD
from fingerspell.runtime import STARTER, read_contract


def export_released(bundle: Path, starter: Path = STARTER) -> dict[str, Any]:
    """Writes every export of the released recogniser into `bundle`; returns the parity report.

    The network is built again from the released weights and compared on synthetic hands. With no
    photographs to set its ranges, int8 has its weights in 8 bits and computes in float.
    Raises what `export_bundle` raises, and `ModelError` where the release is damaged.
    """
    require_tensorflow()
    from fingerspell.model.weights import released_network

    contract = replace(read_contract(starter), files={}, least_runtime={})
    report = export_bundle(released_network(starter), contract, bundle, {}, ())
    shutil.copyfile(starter / CARD, bundle / CARD)
    return report
