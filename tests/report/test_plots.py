"""What the two pictures of a run show."""

from __future__ import annotations

import numpy as np

from fingerspell.labels import ALPHABET
from fingerspell.report.plots import _boundaries, _confusion_figure, _history_figure

COUNTS = np.diag(np.arange(1, 30)) + np.eye(29, k=1, dtype=int) * 2


def test_all_29_classes_are_named_on_both_sides():
    axes = _confusion_figure(COUNTS, ALPHABET).axes[0]
    columns = [tick.get_text() for tick in axes.get_xticklabels()]
    assert columns == [*ALPHABET, *ALPHABET], "below and above"
    assert tuple(tick.get_text() for tick in axes.get_yticklabels()) == ALPHABET


def test_numbers_are_pictures_and_colours_are_shares():
    axes = _confusion_figure(COUNTS, ALPHABET).axes[0]
    shares = axes.images[0].get_array()
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert shares[0, 1] == 2 / 3
    assert sorted({int(text.get_text()) for text in axes.texts}) == list(range(1, 30))


def test_a_class_without_pictures_is_an_empty_row():
    axes = _confusion_figure(np.array([[3, 0], [0, 0]]), ("A", "B")).axes[0]
    assert axes.images[0].get_array()[1].tolist() == [0, 0]


def test_phases_are_joined_and_their_boundary_marked():
    history = {
        "phase": ["head", "head", "finetune"],
        "loss": [3, 2, 1],
        "val_loss": [3, 2, 1.5],
        "accuracy": [0.1, 0.2, 0.9],
        "val_accuracy": [0.1, 0.3, 0.8],
        "learning_rate": [1e-3, 1e-3, 1e-5],
    }
    loss, accuracy, rate = _history_figure(history).axes
    assert [list(line.get_xdata()) for line in loss.lines[:2]] == [[1, 2, 3], [1, 2, 3]]
    assert list(loss.lines[2].get_xdata()) == [2.5, 2.5]
    assert [text.get_text() for text in loss.texts] == ["head", "finetune"]
    named = [text.get_text() for text in accuracy.get_legend().get_texts()]
    assert named == ["training", "validation (best 80.0%, epoch 3)"]
    assert len(accuracy.texts) == 0
    assert list(rate.lines[0].get_ydata()) == [1e-3, 1e-3, 1e-5]


def test_one_phase_has_no_boundary():
    assert _boundaries(["head"] * 4) == []
    assert _boundaries(["head", "finetune", "finetune"]) == [1]


def test_a_history_without_validation_is_synthetic_all_the_same():
    figure = _history_figure({"loss": [2.0, 1.0], "accuracy": [0.2, 0.4]})
    assert len(figure.axes[0].lines) == 1
