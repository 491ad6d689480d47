"""A recogniser that does no better than guessing is seen, by its accuracy and how sure that is."""

from pathlib import Path

import numpy as np
import pytest

from fingerspell.evaluate.metrics import guessing
from fingerspell.report import text
from helpers.evaluated import evaluated


@pytest.mark.parametrize(
    ("classes", "each", "right", "suspected"),
    [
        (29, 9, 9, True),  # 3.4 %: one class each time
        (29, 9, 14, True),  # 5.4 %: luck
        (29, 100, 190, True),  # 6.6 %: surely above, and of no use
        (29, 9, 60, False),
        (2, 500, 560, False),
        (2, 5, 6, True),
        (2, 1, 2, False),  # all of two
        (3, 0, 0, False),
    ],
)
def test_the_share_of_right_answers_is_held_against_guessing(classes, each, right, suspected):
    truth = np.repeat(np.arange(classes), each)
    answers = np.where(np.arange(len(truth)) < right, truth, (truth + 1) % classes)
    found = guessing(truth, np.eye(classes)[answers])
    assert found["suspected"] is suspected
    assert found["accuracy"] == (pytest.approx(1 / classes) if each else None)


def test_always_naming_the_commonest_class_is_guessing_whatever_its_share():
    truth = np.repeat([0, 1, 2], [80, 10, 10])
    assert guessing(truth, np.eye(3)[np.zeros(100, int)]) == {"accuracy": 0.8, "suspected": True}


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"accuracy": 0.9, "epochs": 3}, "other people, cameras or labels"),
        (
            {"accuracy": 0.1, "epochs": 3, "first_weights": "random initialisation"},
            "--weights none",
        ),
        ({"accuracy": 0.1, "epochs": 3, "first_weights": "x"}, "--epochs 50"),
        ({"accuracy": 0.1, "epochs": 50, "first_weights": "x"}, "each class folder"),
        ({"accuracy": None, "epochs": 0}, "--epochs 50"),
    ],
)
def test_the_summary_ends_with_the_likely_cause_and_what_to_try(training, words):
    report = {**evaluated(), "training": training, "split": "test"}
    assert "WARNING" not in text.summary(Path("output"), report)
    report["guessing"] = {"accuracy": 0.25, "suspected": True}
    *_, first, cause, fix = text.summary(Path("output"), report).splitlines()
    assert first.startswith("WARNING: ") and "no better than guessing (25.0 %)" in first
    assert "likely cause:" in cause and "to try:" in fix
    assert words in f"{cause}{fix}"
