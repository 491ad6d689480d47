"""What is shown in a stream: words of a signer's stills, and minutes in which nobody spells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.live.paint import Painter, Stretch, absent, blend, jump, slide, still, warp

WORDS = (
    "HELLO", "HOUSE", "BOOK", "WATER", "COFFEE", "FRIEND", "SUMMER", "MUSIC", "LITTLE", "PHONE",
    "HAPPY", "KITCHEN", "APPLE", "TEXT", "YELLOW", "BOX", "CHEESE", "QUICK", "DINNER", "VIDEO",
    "SCHOOL", "FAMILY", "BUTTER", "WORK", "GREEN", "QUEEN", "LETTER", "LOVE", "WINNER", "DRIVE",
    "MIDDLE", "CLOUD", "TREE", "BLACK", "ROOM", "PLANT", "SOCCER", "MONKEY", "BALL", "WINTER",
    "MIRROR", "NIGHT", "EGG", "FOX", "HAMMER", "CHAIR", "GLASS", "PAPER", "FULL", "BROWN",
    "FOOD", "VOICE", "ANNA", "MARK", "EMMA", "KEVIN", "WILLIAM", "EXPERT", "HOBBY", "QUOTE",
)  # fmt: skip
"""Sixty words, half of them with a double letter, some of them names; no J or Z: those move."""

FILMS = (
    "JAZZ", "ZERO", "MAJOR", "PRIZE", "JUROR", "CRAZY", "WORD", "PLAY", "BIRTHDAY", "FROG",
    "BALLOON", "COFFEE", "JET", "QUIZ", "JURY", "MAZE", "JOKE", "SIZE", "ENJOY", "DOZEN",
    "JUICE", "LAZY", "PROJECT", "OZONE", "MUCH", "BLANK",
)  # fmt: skip
"""Words of the synthetic films: with J and Z, without a double, with doubles."""

TRANSITIONS = ("blend", "jump", "empty", "cut")
DOUBLES = ("bounce", "slide", "release")
LETTER_S = (0.3, 0.6, 1.0)
MINUTES = ("backgrounds", "people", "fidgeting", "digit_1")

MOVE_S = 0.2
AGAIN_S = 0.25
RELEASE_S = 0.3
REST_S = 0.5


@dataclass(frozen=True, slots=True)
class Script:
    """A word and how it is spelled; `doubles` are how its double letters are made, in order."""

    text: str
    transition: str
    letter_s: float
    doubles: tuple[str, ...] = ()


def doubles_in(word: str) -> int:
    """Returns how many letters equal the one before."""
    return sum(one == two for one, two in pairwise(word))


def scripts(letters: str, count: int, first: int) -> list[Script]:
    """Returns `count` words of these letters, from the word `first` on, round and round.

    Speeds, transitions and kinds of double take turns.
    """
    words = [word for word in WORDS if set(word) <= set(letters)]
    turned = [words[(first + number) % len(words)] for number in range(min(count, len(words)))]
    out, made = [], 0
    for number, word in enumerate(turned):
        kinds = tuple(DOUBLES[(made + x) % 3] for x in range(doubles_in(word)))
        made += len(kinds)
        speed, way = LETTER_S[number % 3], TRANSITIONS[number // 3 % 4]
        out.append(Script(word, way, speed, kinds))
    return out


def spelled(
    script: Script,
    stills: Mapping[str, Sequence[np.ndarray]],
    without: np.ndarray,
    rng: np.random.Generator,
) -> list[Stretch]:
    """Returns the stretches of a word; `stills` are a signer's, `without` shows no hand."""
    picture, at = without, (0.0, 0.0)
    out = [Stretch(REST_S, still(without))]
    kinds = iter(script.doubles)
    for place, letter in enumerate(script.text):
        if place and script.text[place - 1] == letter:
            moves, at = again(next(kinds), picture, at, without)
            out += moves
        else:
            new = one_of(stills[letter], rng)
            out += between(script.transition, warp(picture, *at), new, without, rng)
            picture, at = new, (0.0, 0.0)
        out.append(Stretch(script.letter_s, still(picture, *at), letter))
    out += between(script.transition, warp(picture, *at), without, without, rng)
    return [*out, Stretch(REST_S, still(without))]


def between(
    kind: str, one: np.ndarray, two: np.ndarray, without: np.ndarray, rng: np.random.Generator
) -> list[Stretch]:
    """Returns the way from one letter to another."""
    if kind == "cut":
        return []
    if kind == "blend":
        return [Stretch(MOVE_S, blend(one, two), moves=True)]
    if kind == "empty":
        return [Stretch(MOVE_S, absent(one, two, without, 0.1), moves=True)]
    angle = rng.uniform(0, 2 * np.pi)
    way = (0.3 * float(np.cos(angle)), 0.3 * float(np.sin(angle)))
    return [Stretch(MOVE_S, jump(one, two, way), moves=True)]


def again(
    kind: str, picture: np.ndarray, at: tuple[float, float], without: np.ndarray
) -> tuple[list[Stretch], tuple[float, float]]:
    """Returns the way to the same letter again, and where the hand is then (shares)."""
    x, y = at
    if kind == "release":
        here = warp(picture, x, y)
        return [Stretch(RELEASE_S, absent(here, here, without, 0.2), moves=True)], at
    if kind == "bounce":
        up = slide(picture, lambda u: (x, y - 0.12 * float(np.sin(np.pi * u))))
        return [Stretch(AGAIN_S, up, moves=True)], at
    side = slide(picture, lambda u: (x + 0.14 * u * u * (3 - 2 * u), y))
    return [Stretch(AGAIN_S, side, moves=True)], (x + 0.14, y)


def shown(
    pictures: Sequence[np.ndarray],
    seconds: float,
    rng: np.random.Generator,
    holds_s: tuple[float, float] = (1.5, 4.0),
    drift: float = 0.1,
) -> list[Stretch]:
    """Returns pictures one after the other, each still or slowly drifting, for some seconds."""
    out, picture = [], one_of(pictures, rng)
    while sum(stretch.lasts_s for stretch in out) < seconds:
        x, y = rng.uniform(-drift, drift, 2) * (rng.random() < 0.5)
        out.append(Stretch(rng.uniform(*holds_s), moving(picture, float(x), float(y))))
        new = one_of(pictures, rng)
        out.append(Stretch(MOVE_S, blend(warp(picture, x, y), new)))
        picture = new
    return out


def moving(picture: np.ndarray, x: float, y: float) -> Painter:
    """Paints a picture that drifts to x, y."""
    return slide(picture, lambda u: (x * u, y * u))


def fidgeting(
    poses: Sequence[np.ndarray], seconds: float, rng: np.random.Generator
) -> list[Stretch]:
    """Returns a hand that is never still: from pose to pose, turned and moved on the way."""
    out: list[Stretch] = []
    one = one_of(poses, rng)
    bend = rng.uniform(-1, 1, 4)
    while sum(stretch.lasts_s for stretch in out) < seconds:
        two, to = one_of(poses, rng), rng.uniform(-1, 1, 4)
        out.append(Stretch(rng.uniform(0.15, 0.4), restless(one, two, bend, to), moves=True))
        one, bend = two, to
    return out


def restless(one: np.ndarray, two: np.ndarray, start: np.ndarray, end: np.ndarray) -> Painter:
    """Paints a pose that turns into another while it moves from `start` to `end` (4,)."""

    def paint(u: float) -> np.ndarray:
        x, y, zoom, turn = (start + u * (end - start)) * (0.15, 0.15, 0.15, 35)
        return warp(blend(one, two)(u), x, y, 1 + zoom, turn)

    return paint


def one_of(pictures: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Returns a random picture, float32."""
    return pictures[int(rng.integers(len(pictures)))].astype(np.float32)
