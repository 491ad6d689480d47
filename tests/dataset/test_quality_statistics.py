"""How qualities are spread over a data set, and which pictures stand out."""

from __future__ import annotations

import json
import math

from fingerspell.dataset.manifest import Sample
from fingerspell.dataset.quality import Quality, _medians, bands, quality_json, remarked


def sample(name: str, source: str = "one", width: int = 200, height: int = 200) -> Sample:
    path = f"train/A/{name}.jpg"
    return Sample(path, "A", "train", name, source, "", "", width, height)


def test_skin_tones_are_counted_in_their_order() -> None:
    counted = bands([Quality(skin_ita_deg=angle) for angle in (60, -40, -50, math.nan)])
    assert list(counted) == [
        "very light", "light", "intermediate", "tan", "brown", "dark", "none found",
    ]  # fmt: skip
    assert (counted["very light"], counted["dark"], counted["none found"]) == (1, 2, 1)


def test_the_median_tone_leaves_out_pictures_without_skin() -> None:
    some = [Quality(skin_ita_deg=20), Quality(skin_ita_deg=math.nan), Quality(skin_ita_deg=40)]
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
    assert [s.group for s in found["bright"]] == ["b", "a"]
    assert [s.group for s in found["blurred"]] == ["b", "a"]
    assert [s.group for s in found["tiny"]] == ["a", "b"]
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
