"""How a rule's text compares with the truth: letters, words, delay, doubles, false letters."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from statistics import median
from typing import Any

import numpy as np

from benchmarks.live.rules import Rule, Texts, texts
from benchmarks.live.scripts import DOUBLES, FILMS, MINUTES, TRANSITIONS, doubles_in
from benchmarks.live.stream import Stream
from fingerspell.labels import MOVING

USUAL_FPS = 15
FAST_S = 0.3


@dataclass(frozen=True, slots=True)
class Reading:
    """A stream and what was written of it: characters, and the seconds at which each came.

    `pairs` are the places (truth, written) of letters that agree, `added` those of written ones
    that stand for none, along the shortest way from one text to the other; `wrong` and `missing`
    count letters.
    """

    stream: Stream
    text: str
    at_s: tuple[float, ...]
    pairs: tuple[tuple[int, int], ...]
    wrong: int
    missing: int
    added: tuple[int, ...]

    @property
    def faults(self) -> int:
        """The edit distance."""
        return self.wrong + self.missing + len(self.added)


def written(told: Texts) -> list[tuple[float, str]]:
    """Returns the characters of the last text, and when each came to stay."""
    out: list[tuple[float, str]] = []
    for at_s, text in told:
        pairs = zip((x for _, x in out), text, strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        out = out[:same] + [(at_s, x) for x in text[same:]]
    return out


def aligned(truth: str, said: str) -> list[tuple[int | None, int | None]]:
    """Returns a shortest way from one text to the other: places of both, None where one lacks."""
    cost = np.zeros((len(truth) + 1, len(said) + 1), int)
    cost[:, 0], cost[0] = np.arange(len(truth) + 1), np.arange(len(said) + 1)
    for i, one in enumerate(truth, 1):
        for j, two in enumerate(said, 1):
            swap = cost[i - 1, j - 1] + (one != two)
            cost[i, j] = min(swap, cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    way: list[tuple[int | None, int | None]] = []
    i, j = len(truth), len(said)
    while i or j:
        if i and j and cost[i, j] == cost[i - 1, j - 1] + (truth[i - 1] != said[j - 1]):
            i, j = i - 1, j - 1
            way.append((i, j))
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            way.append((i, None))
        else:
            j -= 1
            way.append((None, j))
    return way[::-1]


def reading(stream: Stream, told: Texts) -> Reading:
    """Compares what a rule wrote with a stream's truth."""
    kept = written(told)
    said = "".join(x for _, x in kept)
    way = aligned(stream.text, said)
    both = [(i, j) for i, j in way if i is not None and j is not None]
    return Reading(
        stream, said, tuple(at_s for at_s, _ in kept),
        pairs=tuple((i, j) for i, j in both if stream.text[i] == said[j]),
        wrong=sum(stream.text[i] != said[j] for i, j in both),
        missing=sum(j is None for _, j in way),
        added=tuple(j for i, j in way if i is None and j is not None),
    )  # fmt: skip


def known_borders(stream: Stream, labels: Sequence[str]) -> Texts:
    """Returns the letters that somebody who knows when each is held reads with the same network.

    The best label by the sum of the logarithms of its probabilities in that time.
    """
    out = []
    logs = np.log(np.maximum(stream.probabilities, 1e-6))
    for start_s, end_s, _ in stream.letters:
        inside = (stream.time_s >= start_s) & (stream.time_s < end_s)
        if inside.any():
            out.append((end_s, labels[int(logs[inside].sum(axis=0).argmax())]))
    return texts(out)


def letters(readings: Sequence[Reading]) -> dict[str, Any]:
    """Returns shares of all letters: wrong in all, and each kind of fault; None without letters."""
    count = sum(len(r.stream.text) for r in readings)
    if not count:
        return {"letters": 0, "letters_wrong": None}
    delays = [r.at_s[j] - r.stream.letters[i][0] for r in readings for i, j in r.pairs]
    return {
        "letters": count,
        "letters_wrong": sum(r.faults for r in readings) / count,
        "substituted": sum(r.wrong for r in readings) / count,
        "missing": sum(r.missing for r in readings) / count,
        "inserted": sum(len(r.added) for r in readings) / count,
        "words_right": sum(not r.faults for r in readings) / len(readings),
        "delay_s": median(delays) if delays else None,
    }


def doubled(readings: Iterable[Reading]) -> dict[str, Any]:
    """Returns the share of double letters written twice, by kind, of those written at all.

    `read` are these, `wrong_per_100` letters written twice in a row and shown once, in 100 letters.
    """
    right: dict[str, list[bool]] = {kind: [] for kind in DOUBLES}
    false = count = 0
    for r in readings:
        hit = {i for i, _ in r.pairs}
        twice = [i for i, (a, b) in enumerate(pairwise(r.stream.text)) if a == b]
        for i, kind in zip(twice, r.stream.doubles, strict=True):
            if hit & {i, i + 1}:
                right[kind].append(hit >= {i, i + 1})
        false += sum(r.text[j] in (r.text[j - 1 : j], r.text[j + 1 : j + 2]) for j in r.added)
        count += len(r.stream.text)
    shares = {kind: sum(x) / len(x) if x else None for kind, x in right.items()}
    read = {kind: len(x) for kind, x in right.items()}
    return {**shares, "read": read, "wrong_per_100": 100 * false / count if count else None}


def rates(words: Sequence[Reading]) -> dict[str, Any]:
    """Returns the letters wrong at each frame rate, how far these are apart, and agreement."""
    by_fps: dict[int, list[Reading]] = {}
    texts: dict[tuple[str, int], set[str]] = {}
    for r in words:
        by_fps.setdefault(r.stream.fps, []).append(r)
        texts.setdefault((r.stream.source, r.stream.number), set()).add(r.text)
    wrong = {str(fps): letters(each)["letters_wrong"] for fps, each in sorted(by_fps.items())}
    same = sum(len(each) == 1 for each in texts.values()) / len(texts)
    return {"letters_wrong": wrong, "apart": max(wrong.values()) - min(wrong.values()),
            "same_text": same}  # fmt: skip


def moving(readings: Iterable[Reading]) -> float | None:
    """Returns the share of J and Z that are written."""
    hits = [
        i in {place for place, _ in r.pairs}
        for r in readings
        for i, letter in enumerate(r.stream.text)
        if letter in MOVING
    ]
    return sum(hits) / len(hits) if hits else None


def false_letters(told: Sequence[tuple[Stream, Texts]]) -> float | None:
    """Returns how often a minute the text changes where nobody signs."""
    changed = sum(a != b for _, each in told for (_, a), (_, b) in pairwise([(0.0, ""), *each]))
    seconds = sum(float(stream.time_s[-1]) for stream, _ in told)
    return 60 * changed / seconds if told else None


def measured(streams: Sequence[Stream], labels: Sequence[str], rule: Rule) -> dict[str, Any]:
    """Returns all figures of one rule; J and Z are left to the films."""
    told = [(s, rule(s, labels)) for s in streams]
    every = [reading(s, each) for s, each in told if s.text]
    words = [r for r in every if r.stream.kind == "word"]
    usual = of(words, lambda s: s.fps == USUAL_FPS and s.letter_s > FAST_S)
    films = of(every, lambda s: s.kind == "film" and s.fps == USUAL_FPS)
    names = sorted({r.stream.source for r in usual})
    sources = {name: letters(of(usual, lambda s, n=name: s.source == n)) for name in names}
    return {
        **letters(usual),
        "worst_source": max(x["letters_wrong"] for x in sources.values()),
        "fast": letters(of(words, lambda s: s.fps == USUAL_FPS and s.letter_s <= FAST_S)),
        "rates": rates(of(words, lambda s: s.letter_s > FAST_S)),
        "doubles": doubled(of(words, lambda s: s.fps == USUAL_FPS)),
        "sources": sources,
        "transitions": {
            way: letters(of(usual, lambda s, w=way: s.transition == w)) for way in TRANSITIONS
        },
        "minutes": {
            kind: false_letters([x for x in told if x[0].kind == kind]) for kind in MINUTES
        },
        "films": {
            "without_doubles": letters(
                of(films, lambda s: not doubles_in(s.text) and not set(s.text) & set(MOVING))
            )["letters_wrong"],
            "all": letters(films)["letters_wrong"],
            "moving": moving(films),
        },
    }  # fmt: skip


def of(readings: Iterable[Reading], keep: Callable[[Stream], bool]) -> list[Reading]:
    """Returns the readings of some streams."""
    return [r for r in readings if keep(r.stream)]


def shown(streams: Sequence[Stream]) -> dict[str, Any]:
    """Returns how much there is: words, letters, sources, films, minutes."""
    words = [s for s in streams if s.kind == "word" and s.fps == USUAL_FPS]
    seconds = {k: sum(float(s.time_s[-1]) for s in streams if s.kind == k) for k in MINUTES}
    return {
        "sources": sorted({s.source for s in words}),
        "words": len(words),
        "letters": sum(len(s.text) for s in words),
        "frames": sum(len(s.time_s) for s in streams),
        "films": len(FILMS),
        "minutes": {kind: round(x / 60, 2) for kind, x in seconds.items()},
    }
