"""What a recogniser sees in the frames of a film or a camera, ready for the live rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fingerspell.images import Pixels
    from fingerspell.live import Frame
    from fingerspell.runtime import Answer, Predictor


def watched(
    frames: Iterable[tuple[float, Pixels]], predictor: Predictor, *, mirror: bool
) -> Iterator[tuple[float, Pixels, Answer, Frame]]:
    """Yields each frame's time, its pixels as they were read, the answer, and what the rules take.

    `mirror` flips left and right before anything is read.
    """
    from fingerspell.live import Frame
    from fingerspell.runtime.motion import motion, thumbnail

    before = None
    for at_s, taken in frames:
        rgb = taken[:, ::-1] if mirror else taken
        (answer, hand), now = predictor.watch(rgb), thumbnail(rgb)
        frame = Frame(tuple(answer.probabilities.tolist()), hand, motion(before, now))
        yield at_s, rgb, answer, frame
        before = now
