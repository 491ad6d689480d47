"""Synthetic hands to compare exports on, where there are too few photographs."""

from collections.abc import Sequence

from fingerspell.images import Pixels
from fingerspell.labels import ALPHABET
from fingerspell.synth import draw

_SEED = 5


def hands(labels: Sequence[str], size_px: tuple[int, int], count: int) -> dict[str, Pixels]:
    """Returns `count` hands, uint8 (h, w, 3), by name such as `synthetic/A/5.jpg`.

    They show the labels in turn, no two alike; a recogniser of signs that cannot be drawn gets the
    alphabet, which is as good a picture for comparing two ways of answering.
    """
    shown = [label for label in labels if label in ALPHABET] or ALPHABET
    chosen = [(shown[i % len(shown)], _SEED + i // len(shown)) for i in range(count)]
    return {f"synthetic/{x}/{seed}.jpg": draw(x, seed, size_px).rgb for x, seed in chosen}
