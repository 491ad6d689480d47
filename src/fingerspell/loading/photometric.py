"""Photometric augmentation: colour, blur, noise, low resolution, grey, occlusion.

Pure functions of uint8 (H, W, 3) pixels and a generator. Strengths are shares of the picture's
size, so that 96 px and 224 px inputs suffer alike. `Generator.random` takes a quarter of the time
of `uniform`, and a picture needs twenty numbers.
"""

import math
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerspell.config.train import AugmentConfig
from fingerspell.images import Pixels, decode, encode_jpeg

_LUMA = (0.299, 0.587, 0.114)
_LEVELS = np.linspace(0.0, 1.0, 256)
_MAX_BLUR = 0.012
_MAX_MOTION = 0.06
_NOISE_LEVELS = (3.0, 16.0)
_LOWEST_RESOLUTION = 0.25
_JPEG_QUALITY = (15, 60)
_OCCLUDE_SIDE = (0.08, 0.28)
_NORMAL = np.array([NormalDist().inv_cdf((i + 0.5) / 256) for i in range(256)])


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Uniform from `low` up to, not including, `high`."""
    return low + (high - low) * rng.random()


def either(rng: np.random.Generator, most: float) -> float:
    """Uniform in ±most."""
    return most * (2 * rng.random() - 1)


def factor(rng: np.random.Generator, most: float) -> float:
    """A factor around 1, as likely 1 + most as its inverse."""
    return float((1 + most) ** (2 * rng.random() - 1))


def recolour(rgb: Pixels, config: AugmentConfig, rng: np.random.Generator) -> Pixels:
    """Saturation and hue as one 3×3 matrix, brightness, gamma and contrast as one table."""
    saturation = factor(rng, config.saturation)
    hue = math.radians(either(rng, config.hue_deg))
    gain, gamma = factor(rng, config.brightness), factor(rng, config.brightness)
    contrast = factor(rng, config.contrast)
    if (saturation, hue) != (1.0, 0.0):
        rgb = cv2.transform(rgb, _colour_matrix(saturation, hue))  # type: ignore[assignment]
    if (gain, gamma, contrast) != (1.0, 1.0, 1.0):
        rgb = cv2.LUT(rgb, _tone_table(gain, gamma, contrast))  # type: ignore[assignment]
    return rgb


def _colour_matrix(saturation: float, hue: float) -> NDArray[np.float32]:
    """Returns the RGB matrix that scales saturation and turns hue (radians) around the grey axis.

    Grey stays grey; the turn is Rodrigues' rotation around (1, 1, 1). With L the matrix whose
    rows are luma's weights, T the turn and s the saturation: T·(s·I + (1 - s)·L) = s·T + (1 - s)·L,
    because T leaves grey alone.
    """
    cos, across = math.cos(hue), math.sin(hue) / math.sqrt(3)
    third = (1 - cos) / 3
    turn = (
        (cos + third, third - across, third + across),
        (third + across, cos + third, third - across),
        (third - across, third + across, cos + third),
    )
    rest = 1 - saturation
    return np.array(
        [[saturation * t + rest * y for t, y in zip(row, _LUMA, strict=True)] for row in turn],
        np.float32,
    )


def _tone_table(gain: float, gamma: float, contrast: float) -> NDArray[np.uint8]:
    """Returns 256 grey levels: contrast around mid-grey, then gamma, then brightness."""
    level = (_LEVELS * contrast + (0.5 - 0.5 * contrast)).clip(0, 1) ** gamma
    # The half rounds: a byte is cut off, and what is negative was cut before.
    return np.asarray((level * (255 * gain) + 0.5).clip(0, 255), dtype=np.uint8)


def grey(rgb: Pixels) -> Pixels:
    """Luma in all three channels."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB))


def blur(rgb: Pixels, rng: np.random.Generator) -> Pixels:
    """Out of focus or moved, as likely one as the other."""
    side = min(rgb.shape[:2])
    if rng.random() < 0.5:
        sigma = max(0.5, between(rng, 0.3, 1.0) * _MAX_BLUR * side)
        # Half the time of OpenCV's own GaussianBlur, which rounds alike on every machine.
        bell = cv2.getGaussianKernel(int(6 * sigma + 1) | 1, sigma, cv2.CV_32F)
        return np.asarray(cv2.sepFilter2D(rgb, -1, bell, bell, borderType=cv2.BORDER_REPLICATE))
    length = max(3, round(between(rng, 0.3, 1.0) * _MAX_MOTION * side))
    streak = _motion_kernel(length, between(rng, 0, math.pi))
    return np.asarray(cv2.filter2D(rgb, -1, streak, borderType=cv2.BORDER_REPLICATE))


def _motion_kernel(length: int, angle: float) -> NDArray[np.float32]:
    """Returns a line of `length` pixels at `angle` (radians) whose weights add up to 1.

    No larger than the line, because OpenCV takes ten times as long from 13×13 on.
    """
    size = length | 1
    kernel = np.zeros((size, size), np.float32)
    middle, reach = size // 2, (size - 1) / 2
    across, down = reach * math.cos(angle), reach * math.sin(angle)
    first = (round(middle - across), round(middle - down))
    last = (round(middle + across), round(middle + down))
    cv2.line(kernel, first, last, (1.0,))
    aside, above = (max(abs(a - middle) for a in ends) for ends in zip(first, last, strict=True))
    line = kernel[middle - above : middle + above + 1, middle - aside : middle + aside + 1]
    return np.asarray(line / line.sum(), dtype=np.float32)


def noise(rgb: Pixels, rng: np.random.Generator) -> Pixels:
    """Sensor noise: normal, independent a pixel and channel, deviation 3–16 grey levels.

    Random bytes through a table of normal quantiles: 5 times faster than drawing normal numbers.
    """
    table = np.rint(_NORMAL * between(rng, *_NOISE_LEVELS)).astype(np.int16)
    # Whole words of the generator: half the time of `rng.bytes`.
    words = np.asarray(rng.bit_generator.random_raw((rgb.size + 7) // 8))
    uniform = words.view(np.uint8)[: rgb.size].reshape(rgb.shape)
    return np.asarray(cv2.add(rgb, cv2.LUT(uniform, table), dtype=cv2.CV_8U))


def low_resolution(rgb: Pixels, rng: np.random.Generator) -> Pixels:
    """Few pixels, or heavy JPEG compression at full size, as likely one as the other."""
    if rng.random() < 0.5:
        return decode(encode_jpeg(rgb, int(rng.integers(*_JPEG_QUALITY))))
    height, width = rgb.shape[:2]
    share = between(rng, _LOWEST_RESOLUTION, 0.7)
    few = (max(1, round(width * share)), max(1, round(height * share)))
    small = cv2.resize(rgb, few, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def occlude(rgb: Pixels, rng: np.random.Generator) -> Pixels:
    """Lays one or two things in front, each at most 8 % of the picture, anywhere.

    A box or an oval, of one colour or of an enlarged, recoloured piece of the picture itself.
    """
    out = rgb.copy()
    height, width = rgb.shape[:2]
    for _ in range(int(rng.integers(1, 3))):
        tall = max(1, round(height * between(rng, *_OCCLUDE_SIDE)))
        wide = max(1, round(width * between(rng, *_OCCLUDE_SIDE)))
        top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
        hidden = out[top : top + tall, left : left + wide]
        thing = _thing(rgb, (tall, wide), rng)
        if rng.random() < 0.5:
            hidden[:] = thing
        else:
            cv2.copyTo(thing, _oval(tall, wide), hidden)
    return out


def _thing(rgb: Pixels, size_px: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """What lies in front: one colour, or a small piece of the picture, enlarged."""
    colour = rng.integers(0, 256, 3)
    if rng.random() < 0.5:
        return np.broadcast_to(colour.astype(np.uint8), (*size_px, 3))
    height, width = rgb.shape[:2]
    tall, wide = (max(1, side // 2) for side in size_px)
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    piece = cv2.resize(rgb[top : top + tall, left : left + wide], (size_px[1], size_px[0]))
    tinted = cv2.transform(piece, np.diag(colour / 128.0))
    return np.asarray(tinted)


def _oval(tall: int, wide: int) -> Pixels:
    mask = np.zeros((tall, wide), np.uint8)
    middle = (wide // 2, tall // 2)
    cv2.ellipse(mask, middle, middle, 0, 0, 360, (255,), -1)
    return mask
