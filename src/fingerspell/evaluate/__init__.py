"""Evaluation: metrics, calibration, unseen signers, and the report of a run."""

from fingerspell.evaluate.report import evaluation, write_report

__all__ = ["evaluation", "write_report"]
