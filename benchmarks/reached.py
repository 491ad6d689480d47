"""When did a training reach an accuracy for good? Pure arithmetic on its epochs."""

from __future__ import annotations

from collections.abc import Sequence

LADDER = (0.50, 0.60, 0.70, 0.75, 0.80)
AFTER = 2
"""Epochs after one whose mean must hold what it reached."""


def held(accuracies: Sequence[float]) -> list[float]:
    """Returns what each epoch reached for good: the lower of its own and what follows.

        held(e) = min(a(e), (a(e + 1) + a(e + 2)) / 2)

    One lucky epoch between two worse ones does not count. Where a training ends, the mean is
    over the one epoch left; the last stands for itself, as its weights are what is kept.
    """
    found = []
    for number, accuracy in enumerate(accuracies):
        after = accuracies[number + 1 : number + 1 + AFTER]
        found.append(min(accuracy, sum(after) / len(after)) if after else accuracy)
    return found


def best(accuracies: Sequence[float]) -> float:
    """Returns the highest accuracy that a training held."""
    return max(held(accuracies))


def time_to(
    accuracy: float, accuracies: Sequence[float], clocks_s: Sequence[float]
) -> float | None:
    """Returns the clock at the end of the first epoch that held `accuracy`; None for never."""
    for reached, clock_s in zip(held(accuracies), clocks_s, strict=True):
        if reached >= accuracy:
            return clock_s
    return None


Curve = tuple[Sequence[float], Sequence[float]]
"""Accuracies and clocks, an epoch each."""


def rung(accuracy: float, guide: Curve, ours: Curve) -> dict[str, float | None]:
    """Returns both times to one accuracy, and how many times faster the second is."""
    times = [time_to(accuracy, *curve) for curve in (guide, ours)]
    ratio = times[0] / times[1] if times[0] is not None and times[1] is not None else None
    return {"accuracy": accuracy, "guide_s": times[0], "ours_s": times[1], "times_faster": ratio}


def ladder(guide: Curve, ours: Curve) -> list[dict[str, float | None]]:
    """Returns a rung for every round accuracy that either held, and last the guide's best."""
    highest = max(best(guide[0]), best(ours[0]))
    steps = [accuracy for accuracy in LADDER if accuracy <= highest]
    return [rung(accuracy, guide, ours) for accuracy in (*steps, best(guide[0]))]
