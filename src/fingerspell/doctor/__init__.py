"""Diagnoses a machine: what is installed, what is missing, and the command that fixes it."""

from fingerspell.doctor.checks import examine
from fingerspell.doctor.facts import Facts, gather
from fingerspell.doctor.finding import Finding, State

__all__ = ["Facts", "Finding", "State", "examine", "gather"]
