"""What the signs of a word may be: words of a list, the letters as they are, and longer words."""

import random
import time

import numpy as np
import pytest

from fingerspell.errors import ConfigError
from fingerspell.labels import ALPHABET, LETTERS
from fingerspell.live import words as decoder
from fingerspell.live.frame import Sign
from fingerspell.live.words import Decoded, WordList, WordRules, decode, split

ENGLISH = WordList(
    {
        "the": 1_000_000, "hello": 80, "hell": 70, "help": 300, "helmet": 20, "held": 90,
        "book": 200, "bok": 1, "print": 90, "private": 150, "hat": 50, "had": 1500, "i": 5000,
    }.items(),
    ALPHABET,
)  # fmt: skip


def sign(letter: str, **shares: float) -> Sign:
    """A sign that was written as `letter` with these probabilities, the rest spread evenly."""
    shares = shares or {letter: 0.95}
    rest = (1 - sum(shares.values())) / (len(ALPHABET) - len(shares))
    evidence = tuple(shares.get(label, rest) for label in ALPHABET)
    return Sign(letter, 0.0, 1.0, evidence, " " if letter == "space" else letter)


def best(*signs: Sign, rules: WordRules | None = None) -> str:
    return decode(signs, ENGLISH, rules).proposals[0].word


@pytest.mark.parametrize("word", ["THE", "BOOK", "PRIVATE", "I"])
def test_a_word_that_was_read_well_is_proposed(word: str):
    first = decode([sign(letter) for letter in word], ENGLISH).proposals[0]
    assert first.word == word and first.probability > 0.8


def test_a_missing_double_is_cheap_and_another_missing_letter_is_dear():
    assert best(*map(sign, "HELO")) == "HELLO"
    rules = WordRules()
    assert rules.double < rules.missing
    costs = dict(decode_all(map(sign, "HEL")))
    assert costs["HELL"] < costs["HELP"], "although HELP is four times as frequent"


def decode_all(signs) -> list[tuple[str, float]]:
    """Every word that was weighed, with its cost."""
    rules = WordRules()
    costs = decoder._letter_costs(np.array([x.evidence for x in signs]), ENGLISH, rules)
    found, _ = decoder._search(costs, ENGLISH, np.inf, rules)
    return sorted(found.items(), key=lambda pair: pair[1])


def test_probabilities_decide_and_not_the_letters_that_were_written():
    """HAT is written either way, and HAD is the more frequent word."""
    sure, unsure = sign("T"), sign("T", T=0.5, D=0.45)
    assert best(sign("H"), sign("A"), sure) == "HAT"
    assert best(sign("H"), sign("A"), unsure) == "HAD"


@pytest.mark.parametrize(("seen", "near", "far"), [("V", "K", "W"), ("I", "J", "Y")])
def test_a_sure_sign_gives_way_to_a_letter_of_the_same_fingers(seen: str, near: str, far: str):
    words = WordList([(f"BOO{near}", 1.0), (f"BOO{far}", 1.0)], ALPHABET)
    proposals = decode([*map(sign, f"BOO{seen}")], words).proposals
    assert next(one.word for one in proposals if one.word in words.words) == f"BOO{near}"
    assert np.allclose(words.alike.sum(axis=1), 1) and words.alike.min() >= 0
    assert words.alike[1, 1] == 1, "B is like no other and keeps all"


def test_a_sign_too_many_does_not_hide_the_word():
    assert best(*map(sign, "BOOKX")) == "BOOK"


@pytest.mark.parametrize("name", ["PRIYA", "ZOLTAN", "KWAME"])
def test_a_name_that_is_in_no_list_stays_as_it_was_signed(name: str):
    decoded = decode([sign(letter) for letter in name], ENGLISH)
    assert decoded.letters == name == decoded.proposals[0].word


def test_the_letters_are_kept_whatever_is_proposed():
    decoded = decode([*map(sign, "HELO")], ENGLISH)
    assert decoded.letters == "HELO" != decoded.proposals[0].word


def test_completions_are_longer_words_that_begin_like_this():
    words = [found.word for found in decode([*map(sign, "HEL")], ENGLISH).completions]
    assert words == ["HELP", "HELD", "HELLO"], "the frequent ones first, no more than three"
    assert decode([*map(sign, "HELLO")], ENGLISH).completions[0].word != "HELLO"


def test_probabilities_are_sorted_and_add_up_to_one_at_most():
    for text in ("HELO", "QQQ", "I"):
        decoded = decode([*map(sign, text)], ENGLISH)
        for found in (decoded.proposals, decoded.completions):
            shares = [proposal.probability for proposal in found]
            assert shares == sorted(shares, reverse=True) and 0 <= sum(shares) <= 1 + 1e-9
            assert len(shares) <= 3


def test_signs_are_split_at_spaces_and_no_sign_says_nothing():
    signs = [sign(x) for x in ("H", "I", "space", "B", "space")]
    assert [[s.written for s in word] for word in split(signs)] == [["H", "I"], ["B"]]
    assert decode((), ENGLISH) == Decoded()


def brute_force(costs: np.ndarray, word: str, rules: WordRules) -> float:
    """The cheapest alignment by the textbook's table, one cell after the other."""
    signs, table = len(costs), {(0, 0): 0.0}
    for i in range(len(word) + 1):
        for j in range(signs + 1):
            ways = [table.get((i, j), np.inf)]
            if j:
                ways.append(table[i, j - 1] + rules.extra)
            if i:
                same = i > 1 and word[i - 1] == word[i - 2]
                ways.append(table[i - 1, j] + (rules.double if same else rules.missing))
            if i and j:
                ways.append(table[i - 1, j - 1] + costs[j - 1, LETTERS.index(word[i - 1])])
            table[i, j] = min(ways)
    return table[len(word), signs]


def random_words(count: int, seed: int, letters: str = "ABCDE") -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(letters, k=rng.randint(1, 9))) for _ in range(count)]


def test_the_search_finds_what_comparing_with_every_word_finds():
    """The best always; of the others those that it follows."""
    counts = {word: float(1 + n) for n, word in enumerate(random_words(300, 0))}
    words, rules, rng = WordList(counts.items(), ALPHABET), WordRules(), np.random.default_rng(1)
    total = sum(counts.values())
    for signs in (1, 2, 3, 4, 5, 6, 7, 8):
        evidence = rng.dirichlet(np.full(len(ALPHABET), 0.1), signs)
        costs = decoder._letter_costs(evidence, words, rules)
        found, _ = decoder._search(costs, words, np.inf, rules)
        every = {
            word: brute_force(costs, word, rules) - rules.frequency * np.log(count / total)
            for word, count in counts.items()
        }
        assert min(found, key=found.__getitem__) == min(every, key=every.__getitem__)
        assert len(found) > 1 and all(found[word] == pytest.approx(every[word]) for word in found)


def test_a_word_among_eighty_thousand_takes_milliseconds():
    letters = "".join(LETTERS)
    many = {word: 1.0 + n for n, word in enumerate(random_words(80_000, 2, letters))}
    words, times_s = WordList(many.items(), ALPHABET), []
    for text in ("HELLO", "ABCDEFGH", "A", "NOTAWORD"):
        signs = [sign(x, **{x: 0.5, "E": 0.3} if x != "E" else {}) for x in text]
        for _ in range(3):
            start_s = time.process_time()
            decode(signs, words)
            times_s.append(time.process_time() - start_s)
    assert np.median(times_s) < 0.03


def test_words_are_read_in_capitals_and_what_cannot_be_spelled_is_left_out():
    words = WordList([("ab", 1), ("AB", 2), ("a-b", 5), ("", 5), ("x", 9), ("b", 0)], ("A", "B"))
    assert words.words == ["AB"] and words.rarity == [0.0]


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (lambda: WordList([("xyz", 1)], ("A", "B", "nothing")), "no word that the recogniser"),
        (lambda: decode([Sign("A", 0, 1, (0.5, 0.5), "A")], ENGLISH), "evidence for 2 labels"),
        (lambda: WordRules(missing=-1), "words.missing=-1"),
        (lambda: WordRules(frequency=float("nan")), "words.frequency=nan"),
        (lambda: WordRules(blur=0), "words.blur=0"),
        (lambda: WordRules(sureness=0), "words.sureness=0"),
        (lambda: WordRules(proposals=0), "words.proposals=0"),
    ],
)
def test_what_cannot_work_is_refused(call, found: str):
    with pytest.raises(ConfigError, match=found.replace(".", r"\.")):
        call()
