"""A tiny language for recordings: `film("A 0.5, - 0.3, A 0.5", fps=10)`."""

from __future__ import annotations

from fingerspell.live import Frame, LiveRules, rules_at, spelled

RULES = rules_at(0.7)


def frame(name: str) -> Frame:
    """`-` is a confident `nothing`, `?` an unsure X, `A` a sure A."""
    if name == "-":
        return Frame("nothing", 0.99)
    if name == "?":
        return Frame("X", 0.4)
    return Frame(name, 0.95)


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


def read(script: str, fps: float = 30.0, phase: float = 0.0, how: LiveRules = RULES) -> str:
    return spelled(film(script, fps, phase), how)
