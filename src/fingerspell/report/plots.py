"""Plots of a run: confusion matrix and training curves, rendered without a display."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fingerspell.report.fonts import Lettering

_CELL_INCH = 0.34
_LETTER_INCH = 0.125
"""A wide letter's, as W or 谢, in a label; columns are named above and below."""

_LABEL_LENGTH = 24
"""Most characters of a label: longer ones would leave no room for the matrix."""

_TRAIN, _VALIDATION, _RATE = "#1f6feb", "#d1570b", "#57606a"
_FAINT = "#d0d7de"


def confusion_png(matrix: Sequence[Sequence[int]], lettering: Lettering) -> bytes:
    """Returns a PNG: colour = share of the true class (rows sum to 1), number = pictures."""
    return _png(_confusion_figure(np.asarray(matrix), lettering))


def _confusion_figure(counts: NDArray[np.int64], lettering: Lettering) -> Figure:
    """Returns the confusion matrix as a figure that grows with the number of classes."""
    from matplotlib.figure import Figure

    labels = [_shortened(text) for text in lettering.texts]
    # A class name is no formula, whatever dollar signs it has.
    style: Any = {"fontfamily": lettering.families, "parse_math": False}
    longest = max(map(len, labels), default=0)
    side = max(4.5, 1.7 + _CELL_INCH * len(labels) + _LETTER_INCH * 2 * longest)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=90 if _long(labels) else 0, **style)
    axes.set_yticks(range(len(labels)), labels, **style)
    axes.tick_params(length=0, labelsize=9, top=True, labeltop=True)
    legend = "\n#: line of training_set_labels.txt; no font here draws that label"
    axes.set_xlabel("answer" + legend * bool(lettering.numbered))
    axes.set_ylabel("true class")
    axes.set_xticks(np.arange(-0.5, len(labels)), minor=True)
    axes.set_yticks(np.arange(-0.5, len(labels)), minor=True)
    axes.grid(which="minor", color=_FAINT, linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    for row, column in np.argwhere(counts > 0):
        _number(axes, int(row), int(column), int(counts[row, column]), float(shares[row, column]))
    figure.colorbar(image, ax=axes, shrink=0.6, pad=0.02, label="share of the true class")
    return figure


def _number(axes: Axes, row: int, column: int, count: int, share: float) -> None:
    colour = "white" if share > 0.55 else "#8c1d18" if row != column else "black"
    size = 7 if count < 1000 else 5.5
    axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=size)


def _shortened(label: str) -> str:
    return label if len(label) <= _LABEL_LENGTH else f"{label[: _LABEL_LENGTH - 1]}…"


def _long(labels: Sequence[str]) -> bool:
    return any(len(label) > 2 for label in labels)


def history_png(history: Mapping[str, Sequence[Any]]) -> bytes:
    """Returns a PNG of loss, accuracy and learning rate over all phases."""
    return _png(_history_figure(history))


def _history_figure(history: Mapping[str, Sequence[Any]]) -> Figure:
    """Returns the curves; columns as in `training_history.json`, one row an epoch.

    A dashed line stands where one phase ends and the next begins.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    epochs = np.arange(1, len(history["loss"]) + 1)
    figure = Figure(figsize=(8, 8), layout="constrained")
    loss, accuracy, rate = figure.subplots(3, 1, sharex=True, height_ratios=[3, 3, 1.4])
    _pair(loss, epochs, history, "loss")
    _pair(accuracy, epochs, history, "accuracy", _best(epochs, history.get("val_accuracy", ())))
    _rate(rate, epochs, history.get("learning_rate", ()))
    phases = [str(name) for name in history.get("phase", [""] * len(epochs))]
    for axes in (loss, accuracy, rate):
        _mark_phases(axes, phases)
        axes.grid(color=_FAINT, linewidth=0.5)
        axes.spines[["top", "right"]].set_visible(False)
    _name_phases(loss, phases)
    rate.set_xlabel("epoch")
    rate.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _pair(
    axes: Axes,
    epochs: NDArray[np.int64],
    history: Mapping[str, Sequence[Any]],
    name: str,
    best: str = "",
) -> None:
    for key, colour, label in (
        (name, _TRAIN, "training"),
        (f"val_{name}", _VALIDATION, f"validation{best}"),
    ):
        values = np.array(history.get(key, ()), dtype=float)
        if len(values):
            axes.plot(epochs, values, color=colour, marker=".", label=label)
    axes.set_ylabel(name)
    axes.legend(edgecolor="none", framealpha=0.9)


def _best(epochs: NDArray[np.int64], values: Sequence[Any]) -> str:
    """Returns what the legend says of the best value: in the plot it would lie over a curve."""
    known = np.array(values, dtype=float)
    if len(known) == 0 or np.isnan(known).all():
        return ""
    best = int(np.nanargmax(known))
    return f" (best {known[best]:.1%}, epoch {epochs[best]})"


def _rate(axes: Axes, epochs: NDArray[np.int64], values: Sequence[Any]) -> None:
    rates = np.array(values, dtype=float)
    if len(rates):
        axes.plot(epochs, rates, color=_RATE, marker=".")
        if (rates > 0).all():
            axes.set_yscale("log")
    axes.set_ylabel("learning rate")


def _boundaries(phases: Sequence[str]) -> list[int]:
    """Returns the row numbers at which a new phase begins, the first row left out."""
    return [i for i in range(1, len(phases)) if phases[i] != phases[i - 1]]


def _mark_phases(axes: Axes, phases: Sequence[str]) -> None:
    for start in _boundaries(phases):
        axes.axvline(start + 0.5, color=_RATE, linestyle="--", linewidth=1)


def _name_phases(axes: Axes, phases: Sequence[str]) -> None:
    from matplotlib.transforms import blended_transform_factory

    edges = [0, *_boundaries(phases), len(phases)]
    place = blended_transform_factory(axes.transData, axes.transAxes)
    for start, end in pairwise(edges):
        axes.text((start + 1 + end) / 2, 1.03, phases[start], transform=place, ha="center")


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    # Tight: without the margins that the labels turn out not to need.
    figure.savefig(file, format="png", dpi=130, facecolor="white", bbox_inches="tight")
    return file.getvalue()
