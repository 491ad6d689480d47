"""Frames of a signer who spells, painted from stills: what a camera would have seen at a time.

A stretch of a stream paints the picture at a share `u` (0 to 1) of it. All pictures are RGB float32
(SIDE_PX, SIDE_PX, 3) in [0, 255].
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

SIDE_PX = 200
SHUTTER_S = 1 / 60
Painter = Callable[[float], np.ndarray]


@dataclass(frozen=True, slots=True)
class Stretch:
    """`lasts_s` seconds of one kind; `label` is the letter held, "" for none.

    What `moves` is blurred by the shutter's time.
    """

    lasts_s: float
    paint: Painter
    label: str = ""
    moves: bool = False


def warp(
    picture: np.ndarray, x: float = 0, y: float = 0, zoom: float = 1, turn_deg: float = 0
) -> np.ndarray:
    """Returns the picture shifted by shares of its side, enlarged and turned about its middle."""
    matrix = cv2.getRotationMatrix2D((SIDE_PX / 2, SIDE_PX / 2), turn_deg, zoom)
    matrix[:, 2] += (x * SIDE_PX, y * SIDE_PX)
    return cv2.warpAffine(picture, matrix, (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REPLICATE)


def smooth(u: float) -> float:
    """Returns the smooth step 3u² - 2u³ of a share."""
    return u * u * (3 - 2 * u)


def still(picture: np.ndarray, x: float = 0, y: float = 0) -> Painter:
    """Paints a picture that does not change."""
    moved = warp(picture, x, y)
    return lambda _: moved


def blend(one: np.ndarray, two: np.ndarray) -> Painter:
    """Paints one picture that turns into the other."""
    return lambda u: (1 - smooth(u)) * one + smooth(u) * two


def jump(one: np.ndarray, two: np.ndarray, way: tuple[float, float]) -> Painter:
    """Paints a hand that leaves in one shape and comes back in another; `way` is how far."""

    def paint(u: float) -> np.ndarray:
        far = np.sin(np.pi * smooth(u))
        return warp(one if u < 0.5 else two, way[0] * far, way[1] * far)

    return paint


def absent(one: np.ndarray, two: np.ndarray, without: np.ndarray, fade: float) -> Painter:
    """Paints a picture without a hand; it comes and goes within a share `fade`."""

    def paint(u: float) -> np.ndarray:
        end, near = (one, u) if u < 0.5 else (two, 1 - u)
        share = min(near / fade, 1.0) if fade else 1.0
        return (1 - share) * end + share * without

    return paint


def slide(picture: np.ndarray, way: Callable[[float], tuple[float, float]]) -> Painter:
    """Paints a hand that keeps its shape and moves to `way` of the share."""
    return lambda u: warp(picture, *way(u))


class Tremor:
    """The slow sway of a hand and a camera, their noise, and light that is never quite the same."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._rate = rng.uniform(1.5, 7.0, 5)  # Radians a second.
        self._phase = rng.uniform(0, 2 * np.pi, 5)
        self._size = np.array([0.012, 0.012, 0.02, 2.0, 0.03]) * rng.uniform(0.5, 1.5, 5)
        grain = 3 * rng.standard_normal((8, SIDE_PX // 2, SIDE_PX // 2, 3)).astype(np.float32)
        self._grain = grain.repeat(2, 1).repeat(2, 2)

    def shot(self, picture: np.ndarray, at_s: float) -> np.ndarray:
        """Returns the picture as one frame, uint8."""
        sway = self._size * np.sin(self._rate * at_s + self._phase)
        x, y, zoom, turn, light = sway + 0.1 * self._size * self._rng.standard_normal(5)
        out = warp(picture, x, y, 1 + zoom, turn) * (1 + light)
        out += self._grain[self._rng.integers(len(self._grain))]
        return np.clip(out, 0, 255).astype(np.uint8)


def shots(stretches: Sequence[Stretch], fps: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Returns the frames of the stretches, one after another, blurred by the shutter's time."""
    ends = np.cumsum([stretch.lasts_s for stretch in stretches])
    tremor, frames = Tremor(rng), []
    for number in range(int(ends[-1] * fps)):
        at_s = number / fps
        place = int(np.searchsorted(ends, at_s, side="right"))
        stretch = stretches[place]
        start_s = ends[place] - stretch.lasts_s
        times = at_s + SHUTTER_S * np.array([0, 0.5, 1]) * stretch.moves
        shares = np.clip((times - start_s) / stretch.lasts_s, 0, 1)[: 3 if stretch.moves else 1]
        pictures = [np.asarray(stretch.paint(float(u)), np.float32) for u in shares]
        frames.append(tremor.shot(sum(pictures) / len(pictures), at_s))
    return frames


def borders(stretches: Sequence[Stretch]) -> list[tuple[float, float, str]]:
    """Returns start, end (seconds) and letter of every stretch that holds one."""
    ends = np.cumsum([stretch.lasts_s for stretch in stretches])
    return [
        (float(end - stretch.lasts_s), float(end), stretch.label)
        for end, stretch in zip(ends, stretches, strict=True)
        if stretch.label
    ]
