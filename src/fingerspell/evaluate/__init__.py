"""Arrays in, honest numbers out; the report drawn from them."""

from fingerspell.evaluate.calibration import fit_temperature
from fingerspell.evaluate.predictions import predict_files
from fingerspell.evaluate.report import evaluation, write_report
from fingerspell.evaluate.strangers import Strangers, answers_of, find_strangers

__all__ = [
    "Strangers",
    "answers_of",
    "evaluation",
    "find_strangers",
    "fit_temperature",
    "predict_files",
    "write_report",
]
