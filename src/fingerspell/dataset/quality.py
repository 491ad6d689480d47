"""Image quality: brightness, sharpness and skin tone of a picture, and their statistics by source.

Qualities are passed as a mapping from a sample's path to its `Quality`.
"""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import cv2
import numpy as np

from fingerspell.dataset.manifest import Sample
from fingerspell.images import Grey, Pixels, luma

SIDE_PX = 200
"""Longer side at which sharpness is measured, so that pictures of different size compare."""

_SKIN_SIDE_PX = 40
"""Longer side at which skin is looked for: enough pixels for a median."""

_BLACK = 16
"""Luma up to which a pixel is a border, padding or the ground of a cut-out, and not the scene."""

_SKIN_LEAST = (30, 133, 77)
_SKIN_MOST = (255, 173, 127)
"""Y, Cr, Cb of skin, after Chai and Ngan, "Face segmentation using skin-color map in videophone
applications", IEEE Trans. CSVT 9(4), 1999; below the least Y, colour is mostly noise."""

SKIN_SHARE = 0.02
"""Share of skin-coloured pixels below which a picture has no skin tone."""

SKIN_BANDS = (
    ("very light", 55.0), ("light", 41.0), ("intermediate", 28.0), ("tan", 10.0), ("brown", -30.0),
    ("dark or shaded", -math.inf),
)  # fmt: skip
"""Each band's name and the angle in degrees that it lies above. A light hand in a dim room or
against the light falls into the last, too."""

DARK = 0.28
"""Brightness below which hands in a dim room begin to drown."""

BRIGHT = 0.90
"""Brightness above which the hand itself pales; a white wall in good light stays below."""

BLURRED = 10.0
"""Sharpness below which pictures look soft at a glance. A flat wall also lowers it: between 10
and 20 lie sharp hands before plain walls beside hands out of focus."""

TINY_PX = 64
"""Shorter side below which fingers are a few pixels wide."""

ODD_ASPECT = 2.0
"""Longer by shorter side above which half of the padded picture is black."""

FLAT = 0.5
"""Sharpness of a picture of one colour, in which a decoder's rounding is all that there is."""

EMPTY = "black or flat"

_NO_SKIN = "none found"
BANDS = (*(name for name, _ in SKIN_BANDS), _NO_SKIN)
"""The six skin tones from light to dark, and the pictures without one."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What light and lens made of a picture.

    `brightness`: mean luma of what is not black, in [0, 1]. `sharpness`: variance of the
    Laplacian of the 8-bit luma, the longer side being at most `SIDE_PX`. `skin_ita_deg`:
    individual typology angle, nan where too little looks like skin. The defaults draw no remark.
    """

    brightness: float = 0.5
    sharpness: float = 1000.0
    skin_ita_deg: float = math.nan


Qualities = Mapping[str, Quality]


def measure(rgb: Pixels) -> Quality:
    """Measures uint8 RGB (H, W, 3)."""
    return measure_with_luma(rgb, luma(rgb))


def measure_with_luma(rgb: Pixels, grey: Grey) -> Quality:
    """Measures a picture whose luma is at hand; one of 200×200 takes about 0.07 ms, mostly without
    Python's lock."""
    grey = _shrunk(grey, SIDE_PX)
    return Quality(_brightness(grey), _sharpness(grey), skin_ita_deg(_sampled(rgb)))


def skin_ita_deg(rgb: Pixels) -> float:
    """Returns the skin tone of a small picture as an angle; nan where there is hardly any skin.

        ITA° = atan2(L* - 50, b*) · 180 / π

    of the median skin-coloured pixel (the median of each channel): above 55 very light, below -30
    dark or in shadow. After Chardon, Cretois and Hourseau, "Skin colour typology and suntanning
    pathways", Int. J. Cosmetic Science 13(4), 1991, who measured under a known lamp; a camera
    does not.
    """
    ycrcb = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)
    is_skin = cv2.inRange(ycrcb, _SKIN_LEAST, _SKIN_MOST).ravel() > 0
    skin = rgb.reshape(-1, 3).compress(is_skin, axis=0)
    if len(skin) < max(1, SKIN_SHARE * len(is_skin)):
        return math.nan
    middle = len(skin) // 2
    # Three rows of 32 bits: NumPy parts those many at a time.
    channels = np.partition(skin.T.astype(np.float32), middle, axis=1)
    median = channels[:, middle] / np.float32(255)
    lightness, _, yellow = cv2.cvtColor(median[None, None], cv2.COLOR_RGB2Lab)[0, 0].tolist()
    return math.degrees(math.atan2(lightness - 50, yellow))


def skin_band(ita_deg: float) -> str:
    """Names the usual band of an angle; empty for nan."""
    return next((name for name, above in SKIN_BANDS if ita_deg > above), "")


def _remarks(quality: Quality, width: int, height: int) -> dict[str, tuple[bool, float]]:
    """Returns every remark, whether it holds, and a figure that is smaller the worse it is.

    Width and height are those of the picture itself.
    """
    (small, large), light = sorted((width, height)), quality.brightness
    return {
        "dark": (light < DARK, light),
        "bright": (light > BRIGHT, -light),
        "blurred": (quality.sharpness < BLURRED, quality.sharpness),
        "tiny": (small < TINY_PX, small),
        "odd shape": (large > ODD_ASPECT * small, -large / small),
        EMPTY: (light == 0 or quality.sharpness < FLAT, quality.sharpness),
    }


def bands(qualities: Iterable[Quality]) -> dict[str, int]:
    """Counts pictures by skin tone, in the order of `BANDS`."""
    counts = Counter(skin_band(quality.skin_ita_deg) or _NO_SKIN for quality in qualities)
    return {band: counts[band] for band in BANDS}


def _medians(qualities: Sequence[Quality]) -> dict[str, float | None]:
    """Returns the median of each figure, rounded; None for the skin tone of no skin at all."""
    tones = [q.skin_ita_deg for q in qualities if not math.isnan(q.skin_ita_deg)]
    return {
        "brightness": round(statistics.median(q.brightness for q in qualities), 3),
        "sharpness": round(statistics.median(q.sharpness for q in qualities), 1),
        "skin_ita_deg": round(statistics.median(tones), 1) if tones else None,
    }


def source_medians(
    samples: Iterable[Sample], qualities: Qualities
) -> dict[str, dict[str, float | None]]:
    """Returns `medians` for each source, sources in order of name."""
    by_source: dict[str, list[Quality]] = defaultdict(list)
    for sample in samples:
        by_source[sample.source].append(qualities[sample.path])
    return {source: _medians(by_source[source]) for source in sorted(by_source)}


def remarked(samples: Iterable[Sample], qualities: Qualities) -> dict[str, list[Sample]]:
    """Returns the pictures that each remark holds for, the worst first."""
    found: dict[str, list[tuple[float, str, Sample]]] = {x: [] for x in _remarks(Quality(), 1, 1)}
    for sample in samples:
        remarks = _remarks(qualities[sample.path], sample.width, sample.height)
        for remark, (holds, badness) in remarks.items():
            if holds:
                found[remark].append((badness, sample.path, sample))
    return {
        x: [one for *_, one in sorted(those, key=itemgetter(0, 1))] for x, those in found.items()
    }


def quality_json(samples: Sequence[Sample], qualities: Qualities) -> dict[str, Any]:
    """Returns the statistics, and the paths of the pictures that stand out, ready for JSON."""
    every = [qualities[sample.path] for sample in samples]
    return {
        "median": _medians(every),
        "skin_tones": bands(every),
        "sources": source_medians(samples, qualities),
        "remarks": {
            remark: [sample.path for sample in those]
            for remark, those in remarked(samples, qualities).items()
        },
    }


def _brightness(grey: Grey) -> float:
    """The mean of what is not black, in [0, 1]."""
    scene = cv2.threshold(grey, _BLACK, 255, cv2.THRESH_TOZERO)[1]
    return float(cv2.sumElems(scene)[0] / (255 * max(1, cv2.countNonZero(scene))))


def _sharpness(grey: Grey) -> float:
    """The variance of the Laplacian: mean square less squared mean, at a third of the cost of
    `cv2.meanStdDev`."""
    edges = cv2.Laplacian(grey, cv2.CV_16S)
    mean = cv2.sumElems(edges)[0] / grey.size
    return float(max(0.0, cv2.norm(edges, cv2.NORM_L2SQR) / grey.size - mean * mean))


def _shrunk(grey: Grey, side_px: int) -> Grey:
    """Shrinks a picture until its longer side is `side_px`; smaller ones stay as they are."""
    scale = side_px / max(grey.shape)
    # Down to a half, four neighbours cover every pixel at a third of the cost of areas.
    return _resized(grey, scale, cv2.INTER_LINEAR if scale > 0.5 else cv2.INTER_AREA)


def _sampled(rgb: Pixels) -> Pixels:
    """Picks evenly spaced pixels; averages would mix the hand's colour with the wall's."""
    return _resized(rgb, _SKIN_SIDE_PX / max(rgb.shape[:2]), cv2.INTER_NEAREST)


def _resized(pixels: Pixels, scale: float, how: int) -> Pixels:
    if scale >= 1:
        return pixels
    height, width = pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)
