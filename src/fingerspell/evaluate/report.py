"""The evaluation report: `evaluation_report.json`, its plots, page and model card."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerspell.evaluate import calibration, metrics
from fingerspell.evaluate.metrics import Floats, Ints, cluster_bootstrap, wilson
from fingerspell.files import write_bytes
from fingerspell.labels import LETTERS, STATIC_LETTERS
from fingerspell.report.fonts import Lettering, lettering

REPORT = "evaluation_report.json"
MATRIX_PNG = "confusion_matrix.png"
HISTORY_PNG = "training_history.png"
REPORT_HTML = "report.html"
MODEL_CARD = "model_card.md"


def evaluation(
    y_true: Ints,
    probabilities: Floats,
    labels: Sequence[str],
    *,
    groups: Sequence[str] | None = None,
    threshold: float = 0.7,
    tflite: Floats | None = None,
    unseen_signers: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Returns the report of one set of pictures, ready for JSON.

    `groups` (N names: signer, source or run of near-duplicates) gives the honest interval.
    `tflite`: the exported model's answers to the same pictures, reported as a section of its own.
    `unseen_signers`: name → the evaluation of people whom no training picture shows.
    Shares lie in [0, 1]; what cannot be known (no pictures of a class) is None.
    Raises `DataError` where arrays and labels do not fit together.
    """
    metrics.check(y_true, probabilities, labels)
    report = _figures(y_true, probabilities, labels, groups, threshold)
    if tflite is not None:
        metrics.check(y_true, tflite, labels)
        report["tflite"] = {
            **_figures(y_true, tflite, labels, groups, threshold),
            **_nearness(probabilities, tflite),
        }
    report["unseen_signers"] = {
        name: dict(section) for name, section in (unseen_signers or {}).items()
    }
    return report


def _figures(
    y_true: Ints,
    probabilities: Floats,
    labels: Sequence[str],
    groups: Sequence[str] | None,
    threshold: float,
) -> dict[str, Any]:
    matrix = metrics.confusion_matrix(y_true, np.argmax(probabilities, axis=1), len(labels))
    scores = metrics.class_scores(matrix)
    return {
        "class_names": list(labels),
        "pictures": len(y_true),
        "test_accuracy": metrics.accuracy(y_true, probabilities),
        "guessing": metrics.guessing(y_true, probabilities),
        "macro_f1": metrics.macro_f1(scores),
        "letters_26": _subset(y_true, probabilities, labels, LETTERS),
        "letters_24": _subset(y_true, probabilities, labels, STATIC_LETTERS),
        "intervals": _intervals(y_true, probabilities, groups),
        "acceptance": metrics.acceptance(y_true, probabilities, threshold),
        "risk_coverage": calibration.risk_coverage(y_true, probabilities),
        "calibration": {
            "expected_calibration_error": calibration.expected_calibration_error(
                y_true, probabilities
            ),
            "log_loss": calibration.log_loss(y_true, probabilities) if len(y_true) else None,
            "bins": calibration.bins(y_true, probabilities),
        },
        "per_class_metrics": {x: asdict(s) for x, s in zip(labels, scores, strict=True)},
        "top_confusions": [asdict(c) for c in metrics.top_confusions(matrix, labels)],
        "confusion_matrix": matrix.tolist(),
    }


def _subset(
    y_true: Ints, probabilities: Floats, labels: Sequence[str], chosen: Sequence[str]
) -> dict[str, Any]:
    accuracy, pictures = metrics.subset_accuracy(y_true, probabilities, labels, chosen)
    return {"accuracy": accuracy, "pictures": pictures}


def _intervals(y_true: Ints, probabilities: Floats, groups: Sequence[str] | None) -> dict[str, Any]:
    """Returns 95 % intervals of the accuracy: over pictures, and over groups of pictures."""
    right: NDArray[np.bool_] = np.argmax(probabilities, axis=1) == y_true
    over_groups = cluster_bootstrap(right, groups) if groups is not None else None
    return {
        "pictures_95": wilson(int(right.sum()), len(right)),
        "groups_95": over_groups,
        "groups": len(set(groups)) if groups is not None else None,
    }


def _nearness(probabilities: Floats, tflite: Floats) -> dict[str, float | None]:
    if len(probabilities) == 0:
        return {"agreement": None, "max_difference": None}
    same = np.argmax(probabilities, axis=1) == np.argmax(tflite, axis=1)
    return {
        "agreement": float(same.mean()),
        "max_difference": float(np.abs(probabilities - tflite).max()),
    }


def write_report(
    output_dir: Path,
    report: Mapping[str, Any],
    history: Mapping[str, Sequence[Any]],
    run: Mapping[str, Any],
) -> None:
    """Writes report, plots, `report.html` and `model_card.md`, each in one step.

    `history`: equally long columns, one row an epoch (`training_history.json`); without rows no
    curve is plotted. `run`: what `run.json` says. Labels that no installed font draws are numbers
    in the plot, and standard output says what to install.
    """
    from fingerspell.report.plots import confusion_png, history_png
    from fingerspell.report.run_report import model_card, run_page

    written = lettering(report["class_names"])
    if written.numbered:
        print(f"note: {_not_drawn(output_dir, written)}", flush=True)
    matrix = confusion_png(report["confusion_matrix"], written)
    curves = history_png(history) if history.get("loss") else None
    write_bytes(output_dir / MATRIX_PNG, matrix)
    if curves:
        write_bytes(output_dir / HISTORY_PNG, curves)
    page = run_page(report, run, matrix, curves, written.numbered)
    write_bytes(output_dir / REPORT_HTML, page.encode("utf-8"))
    write_bytes(output_dir / MODEL_CARD, model_card(report, run).encode("utf-8"))
    text = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(output_dir / REPORT, f"{text}\n".encode())


def _not_drawn(output_dir: Path, written: Lettering) -> str:
    """Says which labels the plot has as numbers, and how to get them drawn."""
    labels = written.numbered
    first = ", ".join(f"{label} is {text}" for text, label in list(labels.items())[:3])
    fonts = ", ".join(written.install)
    mend = f"install {fonts}" if fonts else "use characters that a font has"
    return (
        f"no installed font draws {len(labels):,} label(s) in {MATRIX_PNG}: {first}"
        + ", …" * (len(labels) > 3)
        + f"; to have them drawn: {mend}, then fingerspell evaluate --output_dir {output_dir}"
    )
