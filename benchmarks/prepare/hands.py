"""A large folder of class-sorted JPEGs: synthetic hands, each jittered into a run of frames.

Long runs of near duplicates, named in the order they were taken, in many scenes a class: what makes
a real recording hard for `prepare`. The same arguments write the same bytes.
"""

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FRAMES_A_RUN = 100
SIDE_PX = 200
JPEG_QUALITY = 92
"""Gives files of about 10 KB, as in the training guide's data set."""

SHIFT_PX = 3.0
NOISE = 3.5

Pixels = NDArray[np.uint8]


def jittered_hands(folder: Path, pictures: int) -> Path:
    """Returns the folder of class folders with `pictures` files; draws what is not there yet."""
    done = folder / f"complete_{pictures}"
    if not done.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        write(folder / "pictures", pictures)
        done.touch()
    return folder / "pictures"


def write(folder: Path, pictures: int) -> None:
    """Writes `A/A1.jpg`, `A/A2.jpg` … for every class of the alphabet."""
    from fingerspell.images import encode_jpeg
    from fingerspell.labels import ALPHABET
    from fingerspell.progress import Progress
    from fingerspell.synth import draw

    bank = np.random.default_rng(0).normal(0, NOISE, (2 * SIDE_PX, 2 * SIDE_PX, 3))
    noise = np.rint(bank).astype(np.int16)
    with Progress(pictures, "drawing") as progress:
        for place, label in enumerate(ALPHABET):
            (folder / label).mkdir(parents=True)
            own = pictures // len(ALPHABET) + (place < pictures % len(ALPHABET))
            for number in range(own):
                run, frame = divmod(number, FRAMES_A_RUN)
                rng = np.random.default_rng([place, run, frame])
                if frame == 0:
                    hand = np.ascontiguousarray(draw(label, 5000 + run, (SIDE_PX, SIDE_PX)).rgb)
                data = encode_jpeg(jittered(hand, frame, rng, noise), quality=JPEG_QUALITY)
                (folder / label / f"{label}{number + 1}.jpg").write_bytes(data)
            progress.advance(own)


def jittered(rgb: Pixels, frame: int, rng: np.random.Generator, noise: NDArray[np.int16]) -> Pixels:
    """Returns one frame: a shaking hand, light that drifts over the run, and the sensor's noise."""
    import cv2

    across, down = rng.normal(0, SHIFT_PX, 2)
    shift = np.array([[1, 0, across], [0, 1, down]])
    size = (rgb.shape[1], rgb.shape[0])
    moved = cv2.warpAffine(rgb, shift, size, borderMode=cv2.BORDER_REFLECT_101)
    light = 1 + 0.15 * np.sin(2 * np.pi * frame / FRAMES_A_RUN)
    lit = cv2.convertScaleAbs(moved, alpha=light)
    top, left = rng.integers(0, SIDE_PX, 2)
    window = noise[top : top + rgb.shape[0], left : left + rgb.shape[1]]
    return np.clip(lit + window, 0, 255).astype(np.uint8)
