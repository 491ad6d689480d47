"""A decoder for words: from what was seen of each sign to proposals, best first, and completions.

Correcting the written letters towards the nearest word makes a text worse. What helps is how likely
each letter was, so a word w is weighed by the whole evidence of the signs s (a noisy channel):

    cost(w, s) = -frequency · log share(w) + cost of the cheapest alignment of w's letters and s
    sign shows letter c:  -sureness · log((1 - blur) · p(c) + blur / letters), where each letter has
                          given the share `alike` of its probability to handshapes like it
    letter without sign:  missing, or double for the second of two same letters (HELO for HELLO)
    sign without letter:  extra
    s as it is written:   unlisted + letter_cost for each sign + what its likeliest letters cost

The last line keeps names and rare words possible: the letters as they are compete with the list,
and P(w | s) is the softmax of -cost over both. Costs are natural logarithms. All words are searched
at once along a trie (shared beginnings are aligned once), without those that cannot come within
`_MARGIN` of the best.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import ConfigError, checks_of

if TYPE_CHECKING:
    from fingerspell.live.frame import Sign

_MARGIN = 6.0
"""How much dearer than the best a word may be and still be followed (exp(-6): one in 400)."""

_MOST_NODES = 250
"""How many beginnings of one length are followed: what bounds the time for a word."""

_MOST_BEGINNINGS = 50
"""How many beginnings are looked at for completions."""

_MOST_SIGNS = 32
"""More signs without a space are no word, and would take long."""

_ALIKE = ("AEMNST", "CO", "DZ", "GHPQ", "IJ", "KPV", "RUV", "TX")
"""Letters of the same fingers, told apart by the thumb, by the side seen or by the movement."""

Costs = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordRules:
    """The costs of the decoder (natural logarithms, 0 or more) and how many words it names.

    `alike` and `blur` are the shares of a probability that are spread over the letters whose
    handshapes are alike, and over all: what a recogniser does not know of its own mistakes.
    """

    frequency: float = 0.6
    sureness: float = 0.85
    alike: float = 0.15
    blur: float = 0.03
    missing: float = 2.0
    double: float = 0.5
    extra: float = 5.0
    unlisted: float = 3.5
    letter_cost: float = 2.0
    proposals: int = 3

    def __post_init__(self) -> None:
        check = checks_of(self, "words.")
        for name in ("frequency", "missing", "double", "extra", "unlisted", "letter_cost"):
            check(name, 0 <= getattr(self, name) < np.inf, "0 or more", f"omit {name}")
        check("sureness", 0 < self.sureness <= 1, "above 0 and at most 1", "omit sureness")
        check("alike", 0 <= self.alike < 1, "a share from 0 to below 1", "omit alike")
        check("blur", 0 < self.blur < 1, "a share above 0 and below 1", "omit blur")
        check("proposals", self.proposals >= 1, "1 or more", "use 3")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A word and its probability in [0, 1]."""

    word: str
    probability: float


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a word so far may be. `letters` are the signs as they are written.

    `proposals` are whole words, best first, the letters as they are among them; `completions` are
    longer words that may begin like this. Probabilities are over each kind by itself.
    """

    letters: str = ""
    proposals: tuple[Proposal, ...] = ()
    completions: tuple[Proposal, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Trie:
    """Nodes, breadth first; node 0 is the empty beginning.

    `letter` is a node's last letter, its children are `first` to `first + children` and its words
    `low` to `high` of the sorted ones. `ends` is the word that it spells (-1: none), `cheapest` the
    least cost of a word below it, by its frequency alone.
    """

    letter: Indices
    first: Indices
    children: Indices
    low: Indices
    high: Indices
    ends: Indices
    cheapest: Costs


class WordList:
    """Words with their frequencies, ready for `decode`; immutable, for any number of threads."""

    def __init__(self, words: Iterable[tuple[str, float]], labels: Sequence[str]) -> None:
        """Takes (word, count) pairs; `labels` are the recogniser's, in prediction order.

        Words are read in capitals. One that has another character than the labels of one letter, or
        no count above 0, cannot be spelled and is left out; counts of the same word add up. Raises
        `ConfigError` where none is left.
        """
        self.labels = tuple(labels)
        column = {x.upper(): i for i, x in enumerate(self.labels) if len(x) == 1 and x.isalpha()}
        letters = sorted(column)
        self.columns = np.array([column[letter] for letter in letters], np.intp)
        self.alike = _alike(letters)
        counts: dict[str, float] = {}
        for word, count in words:
            capitals = word.upper()
            if count > 0 and capitals and column.keys() >= set(capitals):
                counts[capitals] = counts.get(capitals, 0.0) + count
        if not counts:
            raise ConfigError(
                found="no word that the recogniser's labels can spell",
                expected=f"words of the letters {' '.join(letters) or '(none)'}",
                fix="hand over another word list, or turn words off",
            )
        self.words = sorted(counts)
        shares = np.array([counts[word] for word in self.words])
        self.rarity: Costs = -np.log(shares / shares.sum())
        points = np.array(self.words, f"U{max(map(len, self.words)) + 1}").view(np.uint32)
        codes = np.searchsorted(np.array([ord(letter) for letter in letters]), points)
        codes[points == 0] = -1
        codes = codes.reshape(len(self.words), -1)
        self.lengths: Indices = (codes >= 0).sum(axis=1)
        self.trie = _trie(codes, self.lengths, self.rarity)

    def __len__(self) -> int:
        return len(self.words)


def _alike(letters: Sequence[str]) -> Costs:
    """Returns (letters, letters): how what a letter gives is spread over those like it."""
    groups = np.array([[letter in group for letter in letters] for group in _ALIKE], float)
    near = groups.T @ groups
    np.fill_diagonal(near, near.sum(axis=1) == groups.sum(axis=0))  # Nothing alike: it keeps all.
    spread: Costs = near / near.sum(axis=1, keepdims=True)
    return spread


def _trie(codes: Indices, lengths: Indices, rarity: Costs) -> _Trie:
    """Returns the trie of sorted words: the numbers of their letters, then -1 once or more."""
    words = len(codes)
    shared = np.zeros(words, np.intp)  # with the word before
    shared[1:] = np.argmax(codes[1:] != codes[:-1], axis=1)
    shared[0] = -1
    padded = np.append(rarity, np.inf)
    parts: list[tuple[Any, ...]] = []
    for depth in range(codes.shape[1]):
        starts = np.flatnonzero(shared < depth)
        low = starts[lengths[starts] >= depth]
        high = np.append(starts, words)[np.searchsorted(starts, low) + 1]
        ends = np.where(lengths[low] == depth, low, -1)
        cheapest = np.minimum.reduceat(padded, np.stack([low, high], 1).ravel())[::2]
        letter = codes[low, depth - 1] if depth else np.array([-1])
        parts.append((letter, low, high, ends, cheapest))
    begins = np.cumsum([0, *(len(part[0]) for part in parts)])
    first = [
        begins[depth + 1] + np.searchsorted(parts[depth + 1][1], part[1:3])
        for depth, part in enumerate(parts[:-1])
    ]
    first.append(np.full((2, len(parts[-1][0])), begins[-1]))
    letter, low, high, ends, cheapest = (np.concatenate(x) for x in zip(*parts, strict=True))
    before, after = np.concatenate(first, axis=1)
    return _Trie(letter, before, after - before, low, high, ends, cheapest)


def split(signs: Sequence[Sign]) -> tuple[tuple[Sign, ...], ...]:
    """Returns the signs of each word, without the spaces."""
    found: list[list[Sign]] = [[]]
    for sign in signs:
        if sign.written.isspace():
            found.append([])
        else:
            found[-1].append(sign)
    return tuple(tuple(word) for word in found if word)


def last_word(signs: Sequence[Sign]) -> tuple[Sign, ...]:
    """Returns the signs of the word that is being spelled; after a space, of the word before it."""
    return (split(signs) or ((),))[-1]


def decode(signs: Sequence[Sign], words: WordList, rules: WordRules | None = None) -> Decoded:
    """Returns what the signs of one word, as `split` returns them, may be.

    Of no sign and of more than 32 nothing is proposed.
    Raises `ConfigError` for signs of another recogniser's labels than those of `words`.
    """
    rules = rules or WordRules()
    letters = "".join(sign.written for sign in signs)
    if not 0 < len(signs) <= _MOST_SIGNS:
        return Decoded(letters)
    if wrong := {len(sign.evidence) for sign in signs} - {len(words.labels)}:
        raise ConfigError(
            found=f"a sign with evidence for {wrong.pop()} labels",
            expected=f"{len(words.labels)}, one for each label that the words were read for",
            fix="make the WordList with the labels of the recogniser that answers",
        )
    costs = _letter_costs(np.array([sign.evidence for sign in signs]), words, rules)
    unlisted = rules.unlisted + rules.letter_cost * len(signs)
    found, nodes = _search(costs, words, unlisted, rules)
    found[letters] = min(unlisted, found.get(letters, np.inf))
    return Decoded(
        letters,
        _likeliest(list(found), np.array(list(found.values())), rules),
        _completions(nodes, words, len(signs), rules),
    )


def _letter_costs(evidence: Costs, words: WordList, rules: WordRules) -> Costs:
    """Returns (signs, letters): what it costs that a sign shows a letter."""
    shares = evidence[:, words.columns]
    total = shares.sum(axis=1, keepdims=True)
    even = 1 / shares.shape[1]
    shares = np.where(total > 0, shares / np.where(total > 0, total, 1), even)
    shares = (1 - rules.alike) * shares + rules.alike * shares @ words.alike
    costs: Costs = -rules.sureness * np.log((1 - rules.blur) * shares + rules.blur * even)
    return costs


def _search(
    costs: Costs, words: WordList, best: float, rules: WordRules
) -> tuple[dict[str, float], tuple[Indices, Costs]]:
    """Follows the trie level by level, all promising beginnings at once.

    Returns the cost of every word found, and nodes with what it costs that all signs are
    consumed there. `best` is the cost of the likeliest word known.
    """
    trie, signs = words.trie, len(costs)
    extras = rules.extra * np.arange(signs + 1.0)[:, None]
    rest = np.minimum(costs.min(axis=1), rules.extra)
    rest = np.append(np.cumsum(rest[::-1])[::-1], 0.0)[:, None]
    nodes, rows = np.zeros(1, np.intp), extras
    found: dict[str, float] = {}
    seen: list[tuple[Indices, Costs]] = []
    while len(nodes):
        counts = trie.children[nodes]
        parents = np.repeat(np.arange(len(nodes)), counts)
        below = np.arange(len(parents)) + (trie.first[nodes] + counts - np.cumsum(counts))[parents]
        letter = trie.letter[below]
        again = letter == trie.letter[nodes][parents]
        before = rows[:, parents]
        after = before + np.where(again, rules.double, rules.missing)
        np.minimum(after[1:], before[:-1] + costs[:, letter], out=after[1:])
        after -= extras
        np.minimum.accumulate(after, axis=0, out=after)
        after += extras
        ends = trie.ends[below]
        whole = after[-1] + rules.frequency * words.rarity[ends]
        for at in np.flatnonzero((ends >= 0) & (whole <= best + _MARGIN)):
            found[words.words[ends[at]]] = float(whole[at])
        best = min([best, *found.values()])
        bound = (after + rest).min(axis=0) + rules.frequency * trie.cheapest[below]
        kept = np.flatnonzero(bound <= min(best, bound.min(initial=np.inf)) + _MARGIN)
        if len(kept) > _MOST_NODES:
            kept = kept[np.argpartition(bound[kept], _MOST_NODES)[:_MOST_NODES]]
        nodes, rows = below[kept], after[:, kept]
        seen.append((nodes, rows[-1]))
    return found, (np.concatenate([x for x, _ in seen]), np.concatenate([y for _, y in seen]))


def _completions(
    seen: tuple[Indices, Costs], words: WordList, signs: int, rules: WordRules
) -> tuple[Proposal, ...]:
    """Returns the likeliest words that begin like the signs and have more letters."""
    trie, (nodes, costs) = words.trie, seen
    start = np.full(len(words), np.inf)
    bound = costs + rules.frequency * trie.cheapest[nodes]
    for at in np.argsort(bound)[:_MOST_BEGINNINGS]:
        node = nodes[at]
        below = slice(trie.low[node], trie.high[node])
        np.minimum(start[below], costs[at], out=start[below])
    there = np.flatnonzero((start < np.inf) & (words.lengths > signs))
    whole = start[there] + rules.frequency * words.rarity[there]
    best = np.flatnonzero(whole <= whole.min(initial=np.inf) + _MARGIN)
    return _likeliest([words.words[i] for i in there[best]], whole[best], rules)


def _likeliest(words: Sequence[str], costs: Costs, rules: WordRules) -> tuple[Proposal, ...]:
    """Returns the words of the least costs; their probabilities are the softmax over all."""
    weights = np.exp(costs.min(initial=0.0) - costs)
    weights /= weights.sum()
    best = np.argsort(-weights, kind="stable")[: rules.proposals]
    return tuple(Proposal(words[i], float(weights[i])) for i in best)
