"""Writes `vectors/*.json`: streams and what the live rules read in them, for other languages.

    python tests/live/make_vectors.py          # what the rules read today in the same streams
    python tests/live/make_vectors.py --new    # other streams, too: minutes, for the films

`rules` are the fields of `LiveRules` by name (`null`: infinite). A stream has `times`, and for each
frame the probabilities `p` as [label's number, probability] (0 where omitted), `hand` and `motion`
(`null`: unknown). `counted` is every sign as it counted: seconds, label, text after it; `signs` is
what stands written at the end: label, start, end, evidence (as `p`, from 0.001 on).
"""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fingerspell.labels import ALPHABET
from fingerspell.live import RULES, Frame, Live, LiveRules, rules_as_json, rules_at, spell, step

HERE = Path(__file__).parent / "vectors"
KNOWN = {name: rules_at(ALPHABET, 0.9, rules=name) for name in RULES}
LEAST_P = 0.01
EVIDENCE_P = 0.001
FILMS = ("JAZZ", "HELLO", "BOOK", "ZOO", "JET", "MAZE", "EGG", "A JAR")
J = ((0.0, 0.0), (-0.04, 0.25), (0.0, 0.28), (0.2, 0.24))
Z = ((0.0, 0.0), (0.4, 0.0), (0.0, 0.35), (0.4, 0.35))

Raw = tuple[float, list[float], tuple[float, float, float] | None, float | None]


def random_stream(rng: np.random.Generator) -> Iterator[Raw]:
    """A made-up signer: letters held, moves, doubles, strokes, pauses, at a rate of his own."""
    every_s = 1 / rng.choice([4, 8, 15, 30]) if rng.random() < 0.9 else 1.0
    with_hand, with_motion = rng.random(2) < 0.7
    at_s, place, side = float(rng.random()), rng.uniform(0.3, 0.7, 2), float(rng.uniform(0.1, 0.5))
    for _ in range(int(rng.integers(2, 6))):
        label = str(rng.choice(["A", "L", "I", "D", "J", "Z", *ALPHABET]))
        sure, moves = float(rng.choice([0.4, 0.6, 0.8, 0.97])), bool(rng.random() < 0.3)
        way = {"J": J, "I": J, "Z": Z, "D": Z}.get(label, ((0.0, 0.0), (0.3, 0.0))) if moves else ()
        count = max(2, int(rng.uniform(0.1, 1.0) / every_s))
        for number in range(count):
            u = number / count * max(len(way) - 1, 0)
            i = int(u)
            step_x, step_y = (
                np.array(way[i]) + (u - i) * np.subtract(way[i + 1], way[i]) if way else (0, 0)
            )
            p = rng.dirichlet(np.full(len(ALPHABET), 0.05)) * (1 - sure)
            p[ALPHABET.index(label)] += sure + rng.normal(0, 0.03)
            hand = (place[0] + side * step_x, place[1] + side * step_y, side)
            motion = abs(rng.normal(0.4 if moves or number == 0 else 0.05, 0.04))
            yield at_s, list(p), hand if with_hand else None, motion if with_motion else None
            at_s += every_s * float(rng.uniform(0.7, 1.3)) + 4 * (rng.random() < 0.005)


def film_streams(word: str, seed: int) -> Iterator[list[Raw]]:
    """What the released recogniser says about a synthetic film, at 15 and 7.5 frames a second."""
    from fingerspell.runtime import Recogniser
    from fingerspell.runtime.motion import motion, thumbnail
    from fingerspell.synth.motion import Timing
    from fingerspell.synth.video import film

    recogniser, double = Recogniser.load(), ("slide", "bounce")[seed % 2]
    timing = Timing(hold_s=0.4, double=double, rest_s=0.2)
    frames = list(film(word, fps=15, seed=seed, size_px=(160, 160), timing=timing))
    rows = [list(map(float, recogniser.recognise(frame.rgb).probabilities)) for frame in frames]
    for every in (1, 2):
        stream, before = [], None
        for frame, row in list(zip(frames, rows, strict=True))[::every]:
            left, top, right, bottom = frame.box
            wide, high = (right - left) / 160, (bottom - top) / 160
            hand = ((left + right) / 320, (top + bottom) / 320, math.sqrt(wide * high))
            now = thumbnail(frame.rgb)
            stream.append(
                (frame.time_s, row, hand if wide * high > 0 else None, motion(before, now))
            )
            before = now
        yield stream


def rounded(stream: list[Raw]) -> dict[str, Any]:
    """A stream as it is written."""
    times = [round(at_s - stream[0][0], 4) for at_s, *_ in stream]
    return {
        "times": times,
        "p": [sparse(row, LEAST_P, 3) for _, row, *_ in stream],
        "hand": [hand and [round(float(x), 3) for x in hand] for *_, hand, _ in stream],
        "motion": [change if change is None else round(float(change), 3) for *_, change in stream],
    }


def sparse(row: Any, least: float, digits: int) -> list[list[float]]:
    return [[i, round(min(float(p), 1.0), digits)] for i, p in enumerate(row) if p >= least]


def frames_of(stream: dict[str, Any]) -> list[tuple[float, Frame]]:
    """The frames of a stream that was read from a file."""
    frames = []
    columns = (stream[name] for name in ("times", "p", "hand", "motion"))
    for at_s, pairs, hand, motion in zip(*columns, strict=True):
        row = [0.0] * len(ALPHABET)
        for index, p in pairs:
            row[index] = p
        frames.append((at_s, Frame(tuple(row), hand and tuple(hand), motion)))
    return frames


def read(stream: dict[str, Any], rules: LiveRules) -> dict[str, Any]:
    """What the rules read in a stream."""
    frames, state, before_s = frames_of(stream), Live(), 0.0
    for at_s, frame in frames:
        state, before_s = step(state, frame, at_s - before_s, rules), at_s
    return {
        "counted": [[round(c.at_s, 4), c.label, c.text] for c in spell(frames, rules)],
        "signs": [
            [s.label, round(s.start_s, 4), round(s.end_s, 4), sparse(s.evidence, EVIDENCE_P, 4)]
            for s in state.signs
        ],
    }


def new_streams() -> dict[str, list[dict[str, Any]]]:
    """Makes the streams of all rules: random ones, and for the usual rules also films."""
    rng = np.random.default_rng(25)
    kinds = {name: 240 if name == RULES[0] else 20 for name in RULES}
    made = {name: [list(random_stream(rng)) for _ in range(count)] for name, count in kinds.items()}
    for number in range(24):
        made[RULES[0]] += film_streams(FILMS[number % len(FILMS)], number)
    return {name: [rounded(stream) for stream in streams] for name, streams in made.items()}


def streams_of(name: str) -> list[dict[str, Any]]:
    """The streams of a file that is there."""
    return list(json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))["streams"])


def main() -> None:
    new = "--new" in sys.argv
    for name, streams in (new_streams() if new else {x: streams_of(x) for x in RULES}).items():
        rules = KNOWN[name]
        lines = [json.dumps(x | read(x, rules), separators=(",", ":")) for x in streams]
        head = f'{{"rules":{json.dumps(rules_as_json(rules))},\n"streams":[\n'
        body = head + ",\n".join(lines) + "\n]}\n"
        (HERE / f"{name}.json").write_text(body, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
