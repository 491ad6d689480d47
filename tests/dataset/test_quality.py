"""A picture's light, focus and skin; how they spread over a data set, and what stands out."""

from __future__ import annotations

import json
import math
import time

import cv2
import numpy as np
import pytest

from fingerspell.dataset.manifest import Sample
from fingerspell.dataset.quality import (
    BLURRED,
    EMPTY,
    SKIN_SHARE,
    Quality,
    _medians,
    _remarks,
    bands,
    measure,
    quality_json,
    remarked,
    skin_band,
    skin_ita_deg,
)
from fingerspell.images import Pixels

LIGHT_SKIN, DARK_SKIN = (236, 196, 170), (94, 60, 46)


def plain(colour: tuple[int, int, int], height: int = 200, width: int = 200) -> Pixels:
    return np.full((height, width, 3), colour, np.uint8)


def noise(side_px: int = 200) -> Pixels:
    grey = np.random.default_rng(1).integers(0, 256, (side_px, side_px, 1), dtype=np.uint8)
    return np.repeat(grey, 3, axis=2)


def checkers(side_px: int) -> Pixels:
    small = (np.indices((8, 8)).sum(axis=0) % 2 * 200 + 20).astype(np.uint8)
    large = cv2.resize(small, (side_px, side_px), interpolation=cv2.INTER_NEAREST)
    return np.repeat(large[..., None], 3, axis=2)


def said_of(quality: Quality, width: int, height: int) -> tuple[str, ...]:
    return tuple(x for x, (holds, _) in _remarks(quality, width, height).items() if holds)


def test_brightness_is_mean_luma_from_nought_to_one_and_a_black_ground_does_not_count() -> None:
    for grey, brightness in ((51, 0.2), (128, 0.5), (255, 1.0), (0, 0.0)):
        assert measure(plain((grey,) * 3)).brightness == pytest.approx(brightness, abs=0.002)
    cut_out = plain((0, 0, 0))
    cut_out[80:120, 80:120] = 128
    quality = measure(cut_out)
    assert quality.brightness == pytest.approx(0.5, abs=0.01)
    assert said_of(quality, 200, 200) == ()


def test_blur_lowers_sharpness() -> None:
    sharp = noise()
    softer = [measure(cv2.GaussianBlur(sharp, (0, 0), sigma)).sharpness for sigma in (1, 2, 6)]
    assert measure(sharp).sharpness > softer[0] > softer[1] > BLURRED > softer[2]


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    small = plain((0, 0, 0), 6, 6)
    small[0] = 200
    edges = cv2.Laplacian(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), cv2.CV_64F)
    assert abs(edges.mean()) > 1
    assert measure(small).sharpness == pytest.approx(edges.var())


def test_sharpness_compares_across_sizes_and_grain_does_not_pass_for_it() -> None:
    small, large = measure(checkers(200)).sharpness, measure(checkers(1600)).sharpness
    assert large == pytest.approx(small, rel=0.25)
    raw = float(cv2.Laplacian(checkers(1600)[..., 0], cv2.CV_64F).var())
    assert raw < small / 2, "at its own size the large picture would seem softer"
    assert measure(noise(1600)).sharpness < measure(noise(200)).sharpness / 10


def test_skin_tone_follows_its_formula_and_darker_skin_has_a_smaller_angle() -> None:
    lightness, _, yellow = cv2.cvtColor(
        np.float32([[LIGHT_SKIN]]) / np.float32(255), cv2.COLOR_RGB2Lab
    )[0, 0]
    expected = math.degrees(math.atan2(lightness - 50, yellow))
    assert skin_ita_deg(plain(LIGHT_SKIN, 40, 40)) == pytest.approx(expected, abs=0.1)
    assert expected == pytest.approx(60, abs=8)
    light, dark = (measure(plain(skin)).skin_ita_deg for skin in (LIGHT_SKIN, DARK_SKIN))
    assert (skin_band(light), skin_band(dark)) == ("very light", "dark or shaded")


def test_bands_end_where_the_literature_ends_them() -> None:
    bands_of = {
        "very light": [90, 55.1], "light": [55, 41.1], "intermediate": [41, 28.1],
        "tan": [28, 10.1], "brown": [10, -29], "dark or shaded": [-30, -120], "": [math.nan],
    }  # fmt: skip
    for band, angles in bands_of.items():
        assert [skin_band(angle) for angle in angles] == [band] * len(angles)


def test_the_wall_behind_the_hand_does_not_count_as_skin() -> None:
    picture = plain((60, 90, 160))
    picture[50:150, 50:150] = LIGHT_SKIN
    assert measure(picture).skin_ita_deg == pytest.approx(measure(plain(LIGHT_SKIN)).skin_ita_deg)


def test_too_little_skin_is_none_and_grey_is_none() -> None:
    picture = plain((60, 90, 160), 40, 40)
    picture.reshape(-1, 3)[: round(SKIN_SHARE * 1600) - 1] = LIGHT_SKIN
    assert math.isnan(skin_ita_deg(picture))
    picture.reshape(-1, 3)[: round(SKIN_SHARE * 1600)] = LIGHT_SKIN
    assert not math.isnan(skin_ita_deg(picture))
    assert math.isnan(measure(noise()).skin_ita_deg)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 3), (640, 480)])
def test_every_shape_is_measured(shape: tuple[int, int]) -> None:
    for colour in ((0, 0, 0), LIGHT_SKIN, (255, 255, 255)):
        quality = measure(plain(colour, *shape))
        assert 0 <= quality.brightness <= 1
        assert quality.sharpness >= 0


@pytest.mark.parametrize(
    ("quality", "size", "said"),
    [
        (Quality(), (200, 200), ()),
        (Quality(brightness=0.2), (200, 200), ("dark",)),
        (Quality(brightness=0.95), (200, 200), ("bright",)),
        (Quality(sharpness=3), (200, 200), ("blurred",)),
        (Quality(), (63, 100), ("tiny",)),
        (Quality(), (64, 128), ()),
        (Quality(), (64, 129), ("odd shape",)),
        (Quality(), (129, 64), ("odd shape",)),
        (measure(np.full((90, 90, 3), 4, np.uint8)), (90, 90), ("dark", "blurred", EMPTY)),
        (measure(np.full((90, 90, 3), 130, np.uint8)), (90, 90), ("blurred", EMPTY)),
        (Quality(0.1, 1.0), (10, 40), ("dark", "blurred", "tiny", "odd shape")),
    ],
)
def test_remarks_say_what_stands_out(
    quality: Quality, size: tuple[int, int], said: tuple[str, ...]
) -> None:
    assert said_of(quality, *size) == said


def test_measuring_is_cheap_beside_decoding() -> None:
    picture = noise()
    cv2.setNumThreads(1)
    measure(picture)
    best = math.inf
    for _ in range(20):
        start = time.perf_counter()
        measure(picture)
        best = min(best, time.perf_counter() - start)
    assert best < 0.001  # 0.1 ms when the machine is idle


def sample(name: str, source: str = "one", width: int = 200, height: int = 200) -> Sample:
    path = f"train/A/{name}.jpg"
    return Sample(path, "A", "train", name, source, "", "", width, height)


def test_skin_tones_are_counted_in_their_order_and_medians_leave_out_pictures_without() -> None:
    counted = bands([Quality(skin_ita_deg=angle) for angle in (60, -40, -50, math.nan)])
    order = ["very light", "light", "intermediate", "tan", "brown", "dark or shaded", "none found"]
    assert list(counted.items()) == list(zip(order, (1, 0, 0, 0, 0, 2, 1), strict=True))
    some = [Quality(skin_ita_deg=angle) for angle in (20, math.nan, 40)]
    assert _medians(some)["skin_ita_deg"] == 30
    assert _medians([Quality()])["skin_ita_deg"] is None


def test_the_worst_comes_first() -> None:
    samples = [sample("dim"), sample("fine"), sample("black"), sample("strip", width=9, height=90)]
    light = {"dim": 0.2, "fine": 0.5, "black": 0.01, "strip": 0.5}
    found = remarked(samples, {s.path: Quality(light[s.group]) for s in samples})
    assert [s.group for s in found["dark"]] == ["black", "dim"]
    assert [s.group for s in found["tiny"]] == ["strip"]
    assert [s.group for s in found["odd shape"]] == ["strip"]
    assert found["bright"] == found["blurred"] == []


def test_worst_means_another_direction_for_each_remark() -> None:
    samples = [sample(name, width=60) for name in "ab"]
    qualities = {s.path: Quality(0.95, 3.0) for s in samples}
    qualities[samples[1].path] = Quality(0.99, 1.0)
    found = remarked(samples, qualities)
    for remark, order in (("bright", "ba"), ("blurred", "ba"), ("tiny", "ab")):
        assert [s.group for s in found[remark]] == list(order)
    thin = [sample("broad", width=500), sample("tall", height=900)]
    found = remarked(thin, {s.path: Quality() for s in thin})
    assert [s.group for s in found["odd shape"]] == ["tall", "broad"]


def test_the_json_has_no_nan_and_names_every_picture_that_stands_out() -> None:
    samples = [sample("a"), sample("b", source="two")]
    qualities = {samples[0].path: Quality(0.1), samples[1].path: Quality(0.7, 50.0, 30.0)}
    told = json.loads(json.dumps(quality_json(samples, qualities), allow_nan=False))
    assert told["remarks"]["dark"] == ["train/A/a.jpg"]
    assert told["sources"]["one"]["skin_ita_deg"] is None
    assert told["sources"]["two"] == {"brightness": 0.7, "sharpness": 50.0, "skin_ita_deg": 30.0}
