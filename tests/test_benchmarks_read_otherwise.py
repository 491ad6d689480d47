"""Other views are what they say; the last layer is learnt from what a choice leaves."""

import numpy as np
import pytest
import torch

import last_layer
import other_means
import other_temperatures
import other_views
import read_otherwise_page
from fingerspell.evaluate.calibration import apply_temperature
from fingerspell.images import encode_jpeg
from last_features import Shown
from last_layer import Choice
from page_parts import percent

COMMON = {"command": "c", "commit": "abc", "finished": "2026-01-01", "versions": {},
          "machine": {"system": "s", "processor": "p", "cores": 2}}  # fmt: skip


def test_a_turned_picture_is_turned_to_the_left_around_its_middle():
    picture = np.zeros((1, 21, 21, 3), np.float32)
    picture[0, 10, 18] = 1.0
    up = other_views.turned(90)(picture)
    assert up[0, 2, 10, 0] == pytest.approx(1.0, abs=0.01)
    assert up.sum() == pytest.approx(3.0, abs=0.05)


def test_a_tighter_crop_is_the_middle_enlarged():
    picture = np.zeros((1, 20, 20, 3), np.float32)
    picture[0, 5:15, 5:15] = 1.0
    assert other_views.tighter(0.5)(picture).min() == 1.0
    assert other_views.tighter(0.5)(picture).shape == picture.shape
    less = other_views.tighter(0.8)(picture)[..., 0]
    assert less.mean() == pytest.approx((10 / 16) ** 2, abs=0.05)


def test_views_take_away_what_they_are_named_after():
    batch = np.random.default_rng(0).uniform(0.2, 0.6, (2, 16, 16, 3)).astype(np.float32)
    batch[..., 0] += 0.2
    batch[1] *= 0.5
    assert np.ptp(other_views.grey(batch), axis=3).max() == 0
    np.testing.assert_allclose(
        np.ptp(other_views.white_balanced(batch).mean((1, 2)), 1), 0, atol=0.02
    )
    even = other_views.even(batch)
    np.testing.assert_allclose(even.mean((1, 2, 3)), other_views.MIDDLE, atol=0.01)
    np.testing.assert_allclose(even.std((1, 2, 3)), other_views.SPREAD, atol=0.02)
    assert other_views.sharpened(batch).std() > batch.std() > other_views.blurred(batch).std()


class Darker:
    """Says A where a picture is dark, else B."""

    labels = ("A", "B")
    size_px = (16, 16)

    def probabilities(self, batch):
        light = batch.mean((1, 2, 3))
        return np.stack([1 - light, light], axis=1)


def test_a_sources_views_are_read_apart_and_together(tmp_path, monkeypatch):
    for label, value in (("A", 40), ("B", 200)):
        (tmp_path / label).mkdir()
        rgb = np.full((16, 16, 3), value, np.uint8)
        (tmp_path / label / "1.jpg").write_bytes(encode_jpeg(rgb, 95))
    views = {"as they are": other_views.as_they_are, "negative": lambda x: 1 - x}
    monkeypatch.setattr(other_views, "VIEWS", views)
    monkeypatch.setattr(other_views, "TOGETHER", (("as they are",), ("negative",)))
    assert other_views.one_source(Darker(), tmp_path) == {"as they are": 1.0, "negative": 0.0}


def some_answers():
    """Source `sure` is right half the time and always 90 % sure; `shy` always right, at 60 %."""
    sure, shy = np.array([[0.9, 0.1]] * 4), np.array([[0.6, 0.4]] * 4)
    return {"sure": (np.array([0, 0, 1, 1]), sure), "shy": (np.array([0] * 4), shy)}


def test_a_temperature_moves_all_sources_one_way():
    released = other_temperatures.at(some_answers(), 1.0, 0.8)
    assert released["too_sure"] == pytest.approx({"sure": 0.4, "shy": -0.4})
    assert released["calibration_error"] == pytest.approx(0.4)
    assert (released["accepted"], released["accepted_right"]) == (0.5, 0.75)
    softer = other_temperatures.at(some_answers(), 2.0, 0.8)
    assert softer["too_sure"] == pytest.approx({"sure": 0.25, "shy": -0.4495}, abs=1e-3)
    assert softer["accepted"] == 0.0


def test_the_most_that_may_be_accepted_is_told():
    # Above 0.9 nothing is accepted, so nothing is wrong; from 0.9 down half of `sure` is.
    assert other_temperatures.at(some_answers(), 1.0, 0.5)["most_accepted"] == 0.0
    right = {"right": (np.array([0, 0]), np.array([[0.9, 0.1], [0.4, 0.6]]))}
    assert other_temperatures.at(right, 1.0, 0.5)["most_accepted"] == 0.5


def some_looks():
    """Four looks at four pictures of A, mirrored ones now and then torn."""
    sure = np.array([[0.9, 0.1]])
    at_a, at_b = np.repeat(sure, 4, axis=0), np.repeat(sure[:, ::-1], 4, axis=0)
    last = np.array([[0.9, 0.1], [0.9, 0.1], [0.01, 0.99], [0.6, 0.4]])
    return {"torn": (np.zeros(4, int), np.stack([at_a, at_b, at_a, last], axis=1))}


def test_looks_become_one_by_their_features_or_by_their_answers():
    ways = {of: other_means.together(some_looks(), f"closer and mirrored, mean {of}")["torn"][1]
            for of in ("features", "answers")}  # fmt: skip
    assert (ways["features"].shape, ways["answers"].shape) == ((4, 1, 2), (4, 2, 2))
    logits = np.log([0.9, 0.1]) + np.log([0.01, 0.99])
    expected = np.exp(logits / 2) / np.exp(logits / 2).sum()
    np.testing.assert_allclose(ways["features"][2, 0], expected)
    np.testing.assert_allclose(ways["answers"][2].mean(axis=0), [0.455, 0.545])
    four = other_means.together(some_looks(), "all four looks, mean answers")["torn"][1]
    np.testing.assert_allclose(four.mean(axis=1)[0], [0.7, 0.3])


def test_sources_count_alike_for_a_temperature():
    """Pooled, a source of many pictures would decide it alone."""
    sure = np.array([[[0.8, 0.2]]])
    right, wrong = np.zeros(40, int), np.array([0, 1] * 2)
    read = {"many": (right, np.repeat(sure, 40, 0)), "few": (wrong, np.repeat(sure, 4, 0))}
    found = apply_temperature(sure[0], other_means.best_temperature(read))
    assert found[0, 0] == pytest.approx(0.75, abs=1e-3)


def test_a_ways_figures_are_means_over_sources_at_its_temperature():
    read = {"a": (np.zeros(2, int), np.array([[[0.9, 0.1]]] * 2)),
            "b": (np.array([0, 1]), np.array([[[0.6, 0.4]]] * 2))}  # fmt: skip
    found = other_means.figures(read, 1.0, 0.8, ("A", "B"))
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.9, 0.6, 0.4]).mean())
    assert found["letters_24"] == 0.75 and found["accepted"] == 0.5
    assert found["accepted_right"] == 1.0  # Of `b` nothing is accepted: nothing is wrong.
    assert other_means.figures(read, 5.0, 0.8, ("A", "B"))["accepted"] == 0.0


def test_the_page_sets_the_ways_side_by_side():
    read = {group: some_looks() for group in ("studied", "unseen_signers")}
    rows = other_means.measured(read, 0.8, ("A", "B"))
    page = read_otherwise_page.other_means({**COMMON, "threshold": 0.8, "rows": rows})
    (row,) = [x for x in page if x.startswith("| closer and mirrored, mean answers")]
    told = rows[1]["studied"]
    right = percent(told["letters_24"])
    assert f"answers | {told['log_loss']:.3f} | {right} |" in row and row.count("|") == 12


@pytest.mark.parametrize("script", [other_temperatures, other_means])
def test_missing_sources_are_named_before_any_is_read(script, tmp_path, monkeypatch, capsys):
    (tmp_path / "silhouette").mkdir()
    monkeypatch.setattr("sys.argv", [f"{script.__name__}.py", "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        script.main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "dev_signify" in told and "silhouette" not in told


def test_the_page_says_which_temperature_errs_least():
    rows = [
        {"temperature": x, "studied": other_temperatures.at(some_answers(), x, 0.8),
         "unseen_signers": other_temperatures.at(some_answers(), x, 0.8)}
        for x in (1.0, 2.0)
    ]  # fmt: skip
    page = read_otherwise_page.other_temperatures(
        {**COMMON, "threshold": 0.8, "right": 0.97, "rows": rows}
    )
    assert "| 1 | 40.0 % | 40.0 % | 50.0 % | 75.0 % | 0.0 % |" in page
    told = next(line for line in page if "The least error" in line)
    assert "35.0 %, at 2." in told and "`sure` +40.0, `shy` -40.0" in told


def some_shown() -> Shown:
    """Three pictures of A in `rooms`, one drawn; one of Z in `rooms`; A is feature 0, Z is 1."""
    of = (*[("rooms", "A")] * 3, ("synthetic", "A"), ("rooms", "Z"))
    labels = torch.tensor([0, 0, 0, 0, 1])
    sizes = {"rooms": 30, "synthetic": 10, "A": 20, "Z": 60}
    return Shown(torch.eye(2)[labels], labels, of, sizes)


def test_pictures_are_weighed_as_a_choice_says():
    shown = some_shown()
    weights = {c.name: last_layer.weights_of(c, shown) for c in last_layer.CHOICES}
    assert weights["as in the recipe"].tolist() == [1.0] * 5
    assert weights["no synthetic hands"].tolist() == [1, 1, 1, 0, 1]
    assert weights["no Z out of its movement"].tolist() == [1, 1, 1, 1, 0]
    by_class = weights["classes count by their size"]
    assert by_class[:4].sum() == pytest.approx(20)
    assert by_class[4] == pytest.approx(60)
    by_source = weights["sources count by their size"]
    assert by_source[3] == pytest.approx(10)
    assert by_source.sum() == pytest.approx(40)
    alike = weights["sources count alike"]
    assert alike[3] == pytest.approx(1.0)
    assert alike.sum() == pytest.approx(2.0)


def test_a_layer_learns_what_it_is_shown_and_nothing_else():
    start = (torch.zeros(2, 2), torch.zeros(2))
    whole = last_layer.learnt(Choice("all", from_chance=True), some_shown(), start, 1, steps=60)
    assert (torch.eye(2) @ whole[0] + whole[1]).argmax(1).tolist() == [0, 1]
    apart = last_layer.learnt(Choice("no Z", moving=False), some_shown(), start, 1, steps=60)
    assert (torch.eye(2) @ apart[0] + apart[1]).argmax(1).tolist() == [0, 0]
    again = last_layer.learnt(Choice("no Z", moving=False), some_shown(), start, 1, steps=60)
    assert torch.equal(apart[0], again[0])
    assert not start[0].any(), "the layer that was begun with stays as it is"


def test_the_page_says_what_is_gained_to_what_is_released():
    rows = [{"name": "released", "seed": 0, "studied": 0.8, "unseen_signers": 0.9}]
    rows += [{"name": "MixUp", "seed": s, "studied": x, "unseen_signers": 0.88}
             for s, x in ((1, 0.81), (2, 0.83))]  # fmt: skip
    page = read_otherwise_page.last_layer({**COMMON, "pictures": 1200, "rows": rows})
    assert "| not: the released layer | 80.0 % | | 90.0 % | |" in page
    assert "| MixUp | 82.0 % (+2.0) | 2.0 | 88.0 % (-2.0) | 0.0 |" in page
    assert any("1,200 changed" in line and "2 seeds" in line for line in page)
    means = {"as they are": 0.8, "mirrored": 0.79, "a + b + c": 0.7, "a + b + c + d": 0.6}
    page = read_otherwise_page.other_views(
        {**COMMON, "pictures_a_source": 400, "studied_mean": means, "unseen_signers_mean": means}
    )
    assert "| as they are | 80.0 % (+0.0) | 80.0 % (+0.0) |" in page
    assert "| a + b + c | 70.0 % (-10.0) | 70.0 % (-10.0) |" in page
    assert "| all of these | 60.0 % (-20.0) | 60.0 % (-20.0) |" in page
    assert "| mirrored | 79.0 % (-1.0) | 79.0 % (-1.0) |" in page
