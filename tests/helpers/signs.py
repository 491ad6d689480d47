"""A tiny language for recordings: `film("A 0.5, - 0.3, A 0.5", fps=10)`."""

from __future__ import annotations

from functools import cache

from fingerspell.live import Frame, LiveRules, rules_at, spelled

LABELS = (*"ABCDHIJLSXZ", "SCH", "del", "nothing", "space")
"""Some of the usual classes, and a sign of one's own with a long label."""

RULES = rules_at(LABELS, 0.7)


@cache
def frame(
    name: str,
    sure: float = 0.98,
    hand: tuple[float, float, float] | None = None,
    motion: float | None = None,
) -> Frame:
    """`-` is a confident `nothing`, `?` an unsure X, `A` a sure A; the others share the rest."""
    label = {"-": "nothing", "?": "X"}.get(name, name)
    sure = 0.2 if name == "?" else sure
    rest = (1 - sure) / (len(LABELS) - 1)
    return Frame(tuple(sure if x == label else rest for x in LABELS), hand, motion)


def film(script: str, fps: float = 30.0, phase: float = 0.0) -> list[tuple[float, Frame]]:
    """Samples `LABEL SECONDS, …` at `fps`, the first frame `phase` of a frame late."""
    ends, end_s = [], 0.0
    for part in script.split(","):
        name, length_s = part.split()
        end_s += float(length_s)
        ends.append((end_s, name))
    frames, index = [], 0
    while (at_s := (index + phase) / fps) < end_s - 1e-9:
        name = next(name for until_s, name in ends if at_s < until_s - 1e-9)
        frames.append((at_s, frame(name)))
        index += 1
    return frames


def read(script: str, fps: float = 30.0, phase: float = 0.0, rules: LiveRules = RULES) -> str:
    return spelled(film(script, fps, phase), rules)
