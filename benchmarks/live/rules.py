"""The rules that are measured: what people write by hand, and the package's own.

A rule takes a stream and the labels, and returns the text after every sign that it writes.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np

from benchmarks.live.stream import Stream
from fingerspell.labels import NOTHING
from fingerspell.live import Frame, Live, rules_at, spell, step
from fingerspell.live.words import WordList, decode, split
from fingerspell.runtime.vocabulary import english

Signs = list[tuple[float, str]]
"""When each sign was written (seconds) and its label."""

Texts = list[tuple[float, str]]
"""When a text changed (seconds) and what it was then."""

Rule = Callable[[Stream, Sequence[str]], Texts]
STILL_THRESHOLD, USUAL_THRESHOLD = 0.9, 0.7
SPACE, DELETE = "space", "del"
WITH_WORDS = "evidence, with a word list"


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
        yield labels[place] if row[place] >= threshold else NOTHING


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
        shown.append(most if 2 * window.count(most) > votes else NOTHING)
    return changes(stream, shown)


def ten_alike(stream: Stream, labels: Sequence[str], count: int = 10) -> Texts:
    """Writes a label once so many frames in a row name it, and again after another one."""
    out: Signs = []
    before, run = NOTHING, 0
    for at_s, label in zip(stream.time_s, best(stream, labels), strict=True):
        run = run + 1 if label == before else 1
        before = label
        if run == count and label != NOTHING:
            out.append((float(at_s), label))
    return texts(out)


def changes(stream: Stream, shown: Sequence[str]) -> Texts:
    """Writes a sign wherever what is shown (F,) changes to one."""
    pairs = zip(stream.time_s, (NOTHING, *shown), shown, strict=False)
    return texts([(float(at_s), new) for at_s, old, new in pairs if new not in (old, NOTHING)])


def frames(stream: Stream) -> Iterator[tuple[float, Frame]]:
    """Yields a stream's frames as the package takes them."""
    columns = (stream.time_s, stream.probabilities, stream.hand, stream.motion)
    for at_s, row, hand, motion in zip(*columns, strict=True):
        x, y, side = map(float, hand)
        moved = None if np.isnan(motion) else float(motion)
        yield float(at_s), Frame(tuple(map(float, row)), (x, y, side), moved)


def package(rules: str, threshold: float = STILL_THRESHOLD) -> Rule:
    """Returns the rules of `fingerspell.live` of a name, at a threshold for stills."""

    def rule(stream: Stream, labels: Sequence[str]) -> Texts:
        how = rules_at(labels, threshold, rules=rules)
        return [(counted.at_s, counted.text) for counted in spell(frames(stream), how)]

    return rule


def with_words(stream: Stream, labels: Sequence[str]) -> Texts:
    """Writes by evidence, and at the end of the word what the word list proposes first."""
    how, state, before_s = rules_at(labels, STILL_THRESHOLD), Live(), 0.0
    for at_s, frame in frames(stream):
        state, before_s = step(state, frame, at_s - before_s, how), at_s
    words = [decode(word, word_list(tuple(labels))) for word in split(state.signs)]
    return [(before_s, " ".join(word.proposals[0].word for word in words if word.proposals))]


@cache
def word_list(labels: tuple[str, ...]) -> WordList:
    """Returns the word list of the package for a recogniser's labels."""
    return WordList(english(), labels)


RULES: dict[str, Rule] = {
    "each change": each_change,
    "majority of 5, 0.7": majority,
    "10 frames alike": ten_alike,
    "hold, 0.9": package("hold", STILL_THRESHOLD),
    "hold, 0.7": package("hold", USUAL_THRESHOLD),
    "majority": package("majority"),
    "evidence": package("evidence"),
    WITH_WORDS: with_words,
}
