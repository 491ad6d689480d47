"""Evaluation: metrics, calibration, unseen signers, and the report of a run."""

from fingerspell.evaluate.calibration import fit_temperature
from fingerspell.evaluate.report import evaluation, write_report
from fingerspell.evaluate.unseen_signers import (
    UnseenSigners,
    answers_of,
    by_name,
    find_unseen_signers,
    predict_files,
    unseen_signers_of,
    without,
)

__all__ = [
    "UnseenSigners", "answers_of", "by_name", "evaluation", "find_unseen_signers",
    "fit_temperature", "predict_files", "unseen_signers_of", "without", "write_report",
]  # fmt: skip
