"""The rules that are measured: what people write by hand, and the package's own.

A rule takes a stream and the labels, and returns the text after every sign that it writes.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from benchmarks.live.stream import Stream
from fingerspell.live import NO_SIGN, Frame, rules_at, spell

Signs = list[tuple[float, str]]
"""When each sign was written (seconds) and its label."""

Texts = list[tuple[float, str]]
"""When a text changed (seconds) and what it was then."""

Rule = Callable[[Stream, Sequence[str]], Texts]
STILL_THRESHOLD, USUAL_THRESHOLD = 0.9, 0.7
SPACE, DELETE = "space", "del"


def texts(signs: Signs) -> Texts:
    """Returns the texts that signs write: `space` is a blank, `del` takes a sign back."""
    out: Texts = []
    now = ""
    for at_s, label in signs:
        if label == DELETE:
            now = now[:-1]
        elif label != SPACE:
            now += label
        elif now and not now.endswith(" "):
            now += " "
        out.append((at_s, now))
    return out


def best(stream: Stream, labels: Sequence[str], threshold: float = 0.0) -> Iterator[str]:
    """Yields the best label of each frame; `nothing` where its probability is lower."""
    for row in stream.probabilities:
        place = int(np.argmax(row))
        yield labels[place] if row[place] >= threshold else NO_SIGN


def each_change(stream: Stream, labels: Sequence[str]) -> Texts:
    """Writes the best label whenever it is another one."""
    return changes(stream, list(best(stream, labels)))


def majority(stream: Stream, labels: Sequence[str], votes: int = 5) -> Texts:
    """Writes what more than half of the last frames say, whenever that is another sign."""
    said = list(best(stream, labels, USUAL_THRESHOLD))
    shown = []
    for place in range(len(said)):
        window = said[max(0, place + 1 - votes) : place + 1]
        most = max(window, key=window.count)
        shown.append(most if 2 * window.count(most) > votes else NO_SIGN)
    return changes(stream, shown)


def ten_alike(stream: Stream, labels: Sequence[str], count: int = 10) -> Texts:
    """Writes a label once so many frames in a row name it, and again after another one."""
    out: Signs = []
    before, run = NO_SIGN, 0
    for at_s, label in zip(stream.time_s, best(stream, labels), strict=True):
        run = run + 1 if label == before else 1
        before = label
        if run == count and label != NO_SIGN:
            out.append((float(at_s), label))
    return texts(out)


def changes(stream: Stream, shown: Sequence[str]) -> Texts:
    """Writes a sign wherever what is shown (F,) changes to one."""
    pairs = zip(stream.time_s, (NO_SIGN, *shown), shown, strict=False)
    return texts([(float(at_s), new) for at_s, old, new in pairs if new not in (old, NO_SIGN)])


def package(threshold: float) -> Rule:
    """Returns the rules of `fingerspell.live` at a threshold."""

    def rule(stream: Stream, labels: Sequence[str]) -> Texts:
        frames = (
            (float(at_s), Frame(labels[int(row.argmax())], float(min(row.max(), 1.0))))
            for at_s, row in zip(stream.time_s, stream.probabilities, strict=True)
        )
        return [(sign.at_s, sign.text) for sign in spell(frames, rules_at(threshold))]

    return rule


RULES: dict[str, Rule] = {
    "each change": each_change,
    "majority of 5, 0.7": majority,
    "10 frames alike": ten_alike,
    "vote and hold, 0.9": package(STILL_THRESHOLD),
    "vote and hold, 0.7": package(USUAL_THRESHOLD),
}
