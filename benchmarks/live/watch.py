"""What the recogniser sees of frames: probabilities, where the hand is, and small grey pictures."""

from collections.abc import Iterable

import numpy as np

from fingerspell.runtime import Recogniser
from fingerspell.runtime.motion import thumbnail


def watch(
    recogniser: Recogniser, pictures: Iterable[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns probabilities (F, C), hands (F, 3) as shares, and thumbnails (F, 40, 40).

    `pictures` are RGB uint8 of any size. Raises `ValueError` for a recogniser with a single view.
    """
    rows, hands, thumbnails = [], [], []
    for picture in pictures:
        answer, hand = recogniser.watch(picture)
        if hand is None:
            raise ValueError("this recogniser has a single view: it does not say where a hand is")
        rows.append(answer.probabilities)
        hands.append(hand)
        thumbnails.append(thumbnail(picture))
    return np.array(rows), np.array(hands), np.array(thumbnails)
