"""J and Z by motion: an I that goes down and hooks, a pointing hand that goes in a zigzag.

The way of the hand's middle is kept while the hand has the stroke's shape; lengths are in sides of
the hand's own square, so that a hand near the camera and one far away draw the same stroke.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from fingerspell.errors import checks_of
from fingerspell.live.evidence import Gathering
from fingerspell.live.frame import Frame

SHAPES: Mapping[str, str] = MappingProxyType({"J": "IJ", "Z": "DZ"})
"""The labels by which stills show the hand of each stroke."""

_BENT = 0.7
"""The share of a J's drop after which its hook begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strokes:
    """What a J and a Z are; lengths in sides of the hand.

    `shape` is the least probability of the stroke's labels together; a moving hand is blurred, and
    may look otherwise for `lost_s`. A stroke takes from `shortest_s` to `longest_s`. `leg`: each
    leg of a Z goes as far sideways, and all of it as far down. `drop` and `hook`: how far a J goes
    down, and sideways after that.
    """

    shape: float = 0.35
    lost_s: float = 0.25
    shortest_s: float = 0.25
    longest_s: float = 1.5
    leg: float = 0.15
    drop: float = 0.12
    hook: float = 0.12

    def __post_init__(self) -> None:
        check = checks_of(self, "strokes.")
        for name in self.__slots__:
            check(name, getattr(self, name) > 0, "a number above 0", f"omit {name}")


Point = tuple[float, float, float]
"""Seconds, and the hand's x and y, in sides of the hand."""


@dataclass(frozen=True, slots=True)
class Way:
    """Frames of a hand with one stroke's shape and their seconds, oldest first."""

    seen: tuple[tuple[float, Frame], ...] = ()

    def points(self) -> list[Point]:
        """Returns the way of the hand, in sides of it, of all frames the mean one."""
        squares = [(at_s, frame.hand) for at_s, frame in self.seen if frame.hand is not None]
        side = sum(square[2] for _, square in squares) / max(len(squares), 1)
        return [(at_s, square[0] / side, square[1] / side) for at_s, square in squares]


Ways = Mapping[str, Way]


def as_shapes(
    row: Sequence[float], labels: Sequence[str], held: str | None = None
) -> tuple[float, ...]:
    """Returns probabilities (C,) of handshapes: what a still gives to J is I's, to Z is nobody's.

    A Z that does not move is a hand that points: to a still it is a 1 more often than a D. After
    the stroke of the letter `held` that letter takes what its still is given, while it is held.
    """
    new = list(row)
    for letter, shape in SHAPES.items():
        still = next(label for label in shape if label != letter)
        gives, takes = (still, letter) if held == letter else (letter, still)
        if gives in labels and takes in labels:
            new[labels.index(takes)] += 0.0 if gives == "Z" else new[labels.index(gives)]
            new[labels.index(gives)] = 0.0
    return tuple(new)


def step(
    ways: Ways, frame: Frame, at_s: float, labels: Sequence[str], how: Strokes
) -> tuple[Ways, Gathering | None]:
    """Returns the ways after a frame, and the letter that it completed, if it did."""
    after: dict[str, Way] = {}
    for letter in (letter for letter in SHAPES if letter in labels):
        shape = [index for index, label in enumerate(labels) if label in SHAPES[letter]]
        shaped = sum(frame.probabilities[index] for index in shape) >= how.shape
        way = _followed(ways.get(letter, Way()), frame, shaped, at_s, how)
        if shaped and len(way.seen) > 2 and _DRAWS[letter](way.points(), how):
            return {}, _signed(way, labels.index(letter), shape)
        after[letter] = way
    return after, None


def _followed(way: Way, frame: Frame, shaped: bool, at_s: float, how: Strokes) -> Way:
    """Returns the way with a frame more; without its shape for too long it is lost."""
    if shaped and frame.hand is not None:
        way = Way((*way.seen, (at_s, frame)))
    lost = not way.seen or at_s - way.seen[-1][0] > how.lost_s
    oldest_s = at_s - how.longest_s
    return Way() if lost else Way(tuple(one for one in way.seen if one[0] >= oldest_s))


def _signed(way: Way, index: int, shape: Sequence[int]) -> Gathering:
    """Returns the letter of a stroke; what the frames gave to stills of its shape is its own."""
    total = [sum(column) for column in zip(*(x.probabilities for _, x in way.seen), strict=True)]
    whole = sum(total[i] for i in shape)
    total = [whole if i == index else 0.0 if i in shape else p for i, p in enumerate(total)]
    (start_s, _), (end_s, _) = way.seen[0], way.seen[-1]
    return Gathering(
        index, start_s, end_s, seconds=float(len(way.seen)), total=tuple(total), fixed=True
    )


def _draws_j(points: Sequence[Point], how: Strokes) -> bool:
    """Whether a way goes down and then sideways."""
    for start in range(len(points) - 2):
        at_s, x, y = points[start]
        drop = max(p[2] for p in points[start:]) - y
        if drop < how.drop or points[-1][0] - at_s < how.shortest_s:
            continue
        bend = next(p for p in points[start:] if p[2] - y >= _BENT * drop)
        across, along = abs(points[-1][1] - bend[1]), abs(points[-1][2] - bend[2])
        if across >= max(how.hook, along) and abs(bend[1] - x) <= drop:
            return True
    return False


def _draws_z(points: Sequence[Point], how: Strokes) -> bool:
    """Whether a way turns twice, sideways, and ends lower than it began."""
    turns = [points[0]]  # the first point, then the furthest of every leg
    for point in points[1:]:
        far = turns[-1][1] - turns[-2][1] if len(turns) > 1 else 0.0
        step_x = point[1] - turns[-1][1]
        if len(turns) > 1 and step_x * far >= 0:
            turns[-1] = point
        elif abs(step_x) >= how.leg:
            turns.append(point)
    legs = turns[-4:]
    return (
        len(legs) == 4
        and legs[3][2] - legs[0][2] >= how.leg
        and legs[3][0] - legs[0][0] >= how.shortest_s
    )


_DRAWS = {"J": _draws_j, "Z": _draws_z}
