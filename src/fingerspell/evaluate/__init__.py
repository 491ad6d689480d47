"""Arrays in, honest numbers out; the report drawn from them."""

from fingerspell.evaluate.calibration import fit_temperature
from fingerspell.evaluate.predictions import predict_files
from fingerspell.evaluate.report import evaluation, write_report
from fingerspell.evaluate.strangers import (
    Strangers,
    answers_of,
    by_name,
    find_strangers,
    strangers_of,
    without,
)

__all__ = [
    "Strangers",
    "answers_of",
    "by_name",
    "evaluation",
    "find_strangers",
    "fit_temperature",
    "predict_files",
    "strangers_of",
    "without",
    "write_report",
]
