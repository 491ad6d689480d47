"""An evaluation in a few lines, for the console."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

NO_TFLITE = "not exported"


def summary(output_dir: Path, report: dict[str, Any]) -> str:
    """Returns what a finished run tells its user, in a few lines."""
    exported = (
        f"TFLite {report['tflite']['test_accuracy']:.1%}" if "tflite" in report else NO_TFLITE
    )
    low, high = report["intervals"]["groups_95"] or (math.nan, math.nan)
    lines = [
        f"{report['split']} accuracy {report['test_accuracy']:.1%} (95 % over groups: {low:.1%} to "
        f"{high:.1%}), {exported}, macro F1 {report['macro_f1']:.3f}",
        *(
            f"unseen signers {name}: {_share(s['letters_26']['accuracy'])} of 26 letters, "
            f"{_share(s['letters_24']['accuracy'])} of the 24 static ones"
            + _left_out(s.get("unreadable_pictures", []))
            for name, s in report["unseen_signers"].items()
        ),
        f"look at {output_dir / 'report.html'}",
    ]
    return "\n".join(lines)


def _left_out(paths: Sequence[str]) -> str:
    return f"; {len(paths):,} that cannot be read left out, first {paths[0]}" if paths else ""


def _share(value: float | None) -> str:
    """A dash where there was nothing to count: digits have no letters."""
    return "–" if value is None else f"{value:.1%}"
