"""What is trained on a card is the package's own network on its own pictures."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import fields, replace

import keras
import numpy as np
import pytest
import torch

import card_changes
import card_pictures
import ends_of_card
import run_of_card
import strangers_page
import train_on_card
from card_changes import changed
from card_pictures import Drawings, canvas, weights_of
from fingerspell.config import AugmentConfig, ModelConfig
from fingerspell.data.manifest import Sample, read_manifest
from fingerspell.labels import ALPHABET
from fingerspell.model import backbone_of, build_recogniser, head_of, load_recogniser, looks_of
from fingerspell.train import folder
from helpers.drawn_folder import scene
from helpers.exports import fitted, recogniser
from helpers.small_run import write_colours
from reading import STRANGERS
from short_runs import STUDY_ONLY as STUDIED
from twin import Twin, load_network, save_network, written_down

OFF = AugmentConfig(**{f.name: 0.0 for f in fields(AugmentConfig)})
SIDE = 64
BEHIND = torch.full((2, 3, 8, 8), 200, dtype=torch.uint8)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(3)


def twin_of(model, **given):
    return Twin(*written_down(model), **{"dropout": 0.0, "momentum": 0.9, **given})


def pictures(count=6, covered=True):
    found = [canvas(scene(number, SIDE), SIDE) for number in range(count)]
    return torch.from_numpy(np.stack(found)) if covered else found


def as_bytes(out):
    return (out * 255).round().to(torch.uint8)


def test_a_twin_answers_as_the_network_that_it_was_written_down_from():
    model, batch = recogniser(), fitted(40)
    with torch.no_grad():
        logits = twin_of(model).eval()(torch.from_numpy(batch.transpose(0, 3, 1, 2).copy()))
    answers = torch.softmax(logits, 1).numpy()
    np.testing.assert_allclose(answers, model.predict(batch, verbose=0), atol=2e-5)
    assert len(set(answers.argmax(axis=1))) > 1


@pytest.mark.parametrize("size_px", [(64, 64), (70, 90)])
def test_a_twin_pads_as_keras_does_where_sides_are_odd(size_px):
    model = build_recogniser(ModelConfig(backbone="MobileNetV3Small", image_size_px=size_px), 4)
    batch = np.random.default_rng(1).random((2, *size_px, 3)).astype(np.float32)
    with torch.no_grad():
        logits = twin_of(model).eval()(torch.from_numpy(batch.transpose(0, 3, 1, 2).copy()))
    expected = model.predict(batch, verbose=0)
    np.testing.assert_allclose(torch.softmax(logits, 1), expected, atol=1e-5)


def test_weights_come_back_from_a_twin_and_its_file_as_they_went(tmp_path):
    layers, arrays = written_down(recogniser())
    save_network(tmp_path / "network.npz", layers, arrays)
    again, stored = load_network(tmp_path / "network.npz")
    assert again == layers
    back = Twin(again, stored, 0.0, 0.9).arrays()
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(back[name], array)


def test_a_twins_statistics_move_as_keras_moves_them():
    twin = twin_of(recogniser(), momentum=0.9).train()
    before = twin.weight("conv_bn", "moving_mean").clone()
    seen = []
    twin._computed, compute = (
        lambda layer, read: seen.append((layer["name"], read[0])) or compute(layer, read),
        twin._computed,
    )
    twin(torch.rand(8, 3, *[SIDE] * 2))
    batch_mean = dict(seen)["conv_bn"].mean((0, 2, 3))
    after = twin.weight("conv_bn", "moving_mean")
    torch.testing.assert_close(after, 0.9 * before + 0.1 * batch_mean, atol=1e-5, rtol=1e-4)


def test_switched_off_nothing_changes():
    batch = pictures()
    assert (as_bytes(changed(batch, SIDE, OFF, BEHIND)) == batch[:, :3]).all()


def test_mirrored_and_shifted_as_on_the_processor():
    batch = pictures()
    mirrored = as_bytes(changed(batch, SIDE, replace(OFF, mirror_share=1.0), BEHIND))
    assert (mirrored == batch[:, :3].flip(3)).all()
    grid = card_changes._grid(batch, SIDE, replace(OFF, shift=0.1))
    still = card_changes._grid(batch, SIDE, OFF)
    moved = (grid - still).abs().amax(dim=(1, 2)) / 2
    assert (moved <= 0.1 + 1e-6).all()
    assert moved.max() > 0.04


def test_zoom_and_turn_keep_their_limits():
    batch = torch.zeros((400, 4, 16, 16), dtype=torch.uint8)
    still = card_changes._grid(batch, 16, OFF)[:, 0, 0]
    zoomed = card_changes._grid(batch, 16, replace(OFF, zoom=0.5))[:, 0, 0]
    scale = (still / zoomed)[:, 0]
    assert 1 / 1.5 - 1e-4 <= scale.min() < 0.7
    assert 1.45 < scale.max() <= 1.5 + 1e-4
    farther = card_changes._grid(batch, 16, replace(OFF, farther=1.0))[:, 0, 0]
    assert (farther.abs() >= still.abs() - 1e-5).all()
    turned = card_changes._grid(batch, 16, replace(OFF, rotate_deg=20.0))[:, 8, 15]
    angle = torch.rad2deg(torch.atan2(turned[:, 1], turned[:, 0]) - torch.tensor(1 / 15).atan())
    assert 17 < angle.abs().max() <= 20.2


def test_bending_stays_within_its_share():
    batch = torch.zeros((60, 4, 32, 32), dtype=torch.uint8)
    bent = card_changes._grid(batch, 32, replace(OFF, bend=0.1))
    apart = (bent - card_changes._grid(batch, 32, OFF)).abs() / 2
    assert 0.06 < apart.max() <= 0.145  # A cubic surface swings wider than its points.
    assert (apart.amax(dim=(1, 2, 3)) - apart.amin(dim=(1, 2, 3))).median() > 0.02


def test_another_background_lies_behind_a_cut_out_hand_and_around_a_far_picture():
    batch = pictures()
    batch[:, 3, :, :32] = 0
    out = as_bytes(changed(batch, SIDE, replace(OFF, background_share=1.0), BEHIND))
    assert (out[..., :30] == 200).all()
    assert (out[..., 34:] == batch[:, :3, :, 34:]).all()
    far = as_bytes(
        changed(pictures(), SIDE, replace(OFF, farther=1.0, background_share=1.0), BEHIND)
    )
    assert (far[:, :, 0, 0] == 200).float().mean() > 0.8


def test_damage_does_what_its_name_says():
    plain = pictures()[:, :3].float() / 255
    greyed = card_changes.grey(plain)
    assert (greyed[:, 0] == greyed[:, 2]).all()
    for change in (card_changes.blurred, card_changes.coarse, card_changes.compressed):
        out = change(plain)
        assert out.shape == plain.shape
        assert (out.mean((1, 2, 3)) - plain.mean((1, 2, 3))).abs().max() < 0.03
        assert 5e-4 < (out - plain).abs().mean() < 0.15
    flat = torch.full((200, 3, 16, 16), 0.5)
    spread = 255 * (card_changes.noisy(flat) - flat).std((1, 2, 3))
    assert 2.5 < spread.min() < 5
    assert 13 < spread.max() < 18
    hidden = (card_changes.occluded(plain) != plain).any(1).float().mean((1, 2))
    assert 0 < hidden.max() < 0.4


def test_colours_change_as_in_the_packages_own_table():
    from fingerspell.data.colour import tone_table

    ramp = (torch.arange(256) / 255).view(1, 1, 1, 256).expand(1, 3, 1, 256)
    draws = iter(
        [torch.ones(1), torch.full((1,), 1.4), torch.full((1,), 0.8), torch.full((1,), 1.3)]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card_changes, "factor", lambda *_: next(draws))
        out = as_bytes(card_changes.recoloured(ramp, OFF))[0, 0, 0].numpy()
    expected = tone_table(1.4, 0.8, 1.3)
    assert np.abs(out.astype(int) - expected).max() <= 1


def test_a_share_of_a_batch_is_always_as_many():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card_changes, "grey", torch.zeros_like)
        out = changed(pictures(10), SIDE, replace(OFF, grey_share=0.3), BEHIND)
    assert (out.amax(dim=(1, 2, 3)) == 0).sum() == 3


def test_a_canvas_says_what_is_picture_and_what_is_hand():
    wide = canvas(np.full((30, 60, 3), 90, np.uint8), 60)
    assert (wide[3, 15:45] == 255).all()
    assert (wide[3, :15] == 0).all()
    cut = np.zeros((60, 60, 3), np.uint8)
    cut[15:45, 15:45] = 180
    assert canvas(cut, 60)[3, 30, 30] == 255
    assert canvas(cut, 60)[3, 2, 2] == 0


def sample(label, source):
    return Sample(path="", label=label, split="train", group="", source=source, sha256="",
                  dhash="", width=1, height=1)  # fmt: skip


def test_classes_come_alike_often_and_sources_by_the_root_of_their_size():
    samples = [sample("A", "one")] * 9 + [sample("A", "two")] * 4 + [sample("B", "one")]
    shares: Counter[tuple[str, str]] = Counter()
    for one, weight in zip(samples, weights_of(samples, 0.5), strict=True):
        shares[one.label, one.source] += weight
    assert shares["B", "one"] == pytest.approx(0.5)
    assert shares["A", "one"] / shares["A", "two"] == pytest.approx(3 / 2)
    assert sum(shares.values()) == pytest.approx(1)


def test_hands_are_drawn_beside_and_each_shows_its_class():
    labels = (*ALPHABET[:3], "nothing")
    drawings = Drawings(labels, 48, card_pictures.CHUNK * 2, 5, torch.device("cpu"), workers=1)
    try:
        while drawings.ready < len(drawings.pictures):
            drawings.take(drawings.ready + 1)
    finally:
        drawings.close()
    assert drawings.targets.tolist() == [number % 4 for number in range(48)]
    assert len({bytes(x.numpy().tobytes()) for x in drawings.pictures}) == 48
    letters = drawings.pictures[drawings.targets < 3, :3]
    assert (letters.float().std((1, 2, 3)) > 5).all()
    again = np.zeros((48, 48, 3), np.uint8)
    assert card_pictures._drawn(again, labels, 5, 6) == 2
    np.testing.assert_array_equal(drawings.pictures[6, :3].permute(1, 2, 0), again)


def test_the_rate_climbs_and_falls_by_the_clock():
    stage = train_on_card.stages(OFF)[0]
    rates = [train_on_card.rate_at(stage, step, 0.0) for step in (0, 74, 149, 500)]
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(stage.rate)
    assert train_on_card.rate_at(stage, 500, 0.5) == pytest.approx(stage.rate * 0.505)
    assert train_on_card.rate_at(stage, 500, 1.2) == pytest.approx(stage.rate * 0.01)


def test_the_mean_of_steps_is_kept_not_the_last():
    network = twin_of(recogniser())
    mean, conv = train_on_card.Mean(network), network.weight("conv", "kernel")
    with torch.no_grad():
        for value in (1.0, 2.0, 6.0):
            conv.fill_(value)
            mean.follow()
    mean.settle()
    assert conv.mean().item() == pytest.approx(3.0, abs=1e-5)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A data set of three colours, a small network that begins there, and two short stages."""
    keras.utils.set_random_seed(3)
    dataset = write_colours(tmp_path / "dataset", pictures=(30, 6, 6))
    labels = read_manifest(dataset).labels
    config = ModelConfig(backbone="MobileNetV3Small", image_size_px=(32, 32))
    start = build_recogniser(config, len(labels))
    save_network(tmp_path / "start.npz", *written_down(start))
    first = replace(train_on_card.stages(OFF)[0], side=32, share=0.6)
    plan = [first, replace(first, name="mixed", of="base", share=0.4, mixup=0.4)]
    monkeypatch.setattr(train_on_card, "stages", lambda _: plan)
    monkeypatch.setattr(train_on_card, "CANVAS_PX", 32)
    return tmp_path


class NoDrawings:
    """Stands for drawn hands where there are none of these classes: grey pictures."""

    ready = 8

    def __init__(self, *_):
        pass

    def take(self, _=0):
        return self.ready

    def some(self, count):
        grey = torch.full((count, 4, 32, 32), 128, dtype=torch.uint8)
        return grey, torch.zeros(count, dtype=torch.long)

    def close(self):
        pass


def test_the_whole_way_from_a_network_to_a_run_folder(small, monkeypatch):
    monkeypatch.setattr(train_on_card, "Drawings", NoDrawings)
    card = small / "card"
    train_on_card.main(
        ["--network", str(small / "start.npz"), "--dataset_dir", str(small / "dataset"),
         "--output", str(card), "--budget_s", "14", "--reserve_s", "0", "--batch", "8",
         "--backgrounds", "4"]
    )  # fmt: skip
    told = json.loads((card / "card.json").read_text())
    assert [one["name"] for one in told["stages"]] == ["base", "mixed"]
    assert all(one["steps"] > 0 and 0 <= one["val"] <= 1 for one in told["stages"])
    ends = [load_network(card / f"{name}.npz")[1] for name in ("base", "mixed")]
    begun = load_network(small / "start.npz")[1]
    assert any(not np.allclose(begun[k], ends[0][k], atol=1e-3) for k in begun)

    for name, value in (("HANDS", 26), ("SCENES", 6)):
        monkeypatch.setattr(f"fingerspell.train.place.{name}", value)
    monkeypatch.setattr(run_of_card, "SETTINGS", {"backbone": "MobileNetV3Small",
                                                  "image_size_px": (32, 32)})  # fmt: skip
    run_of_card.main(
        ["end", str(card / "base.npz"), str(card / "mixed.npz"), "--dataset_dir",
         str(small / "dataset"), "--output_dir", str(small / "run")]
    )  # fmt: skip
    model = load_recogniser(small / "run" / folder.MODEL)
    assert looks_of(model) == "closer"
    mean = run_of_card.mean_of([card / "base.npz", card / "mixed.npz"])
    kernel = backbone_of(model).get_layer("conv").get_weights()[0]
    np.testing.assert_allclose(kernel, mean["conv/kernel"], atol=1e-7)
    np.testing.assert_allclose(kernel, (ends[0]["conv/kernel"] + ends[1]["conv/kernel"].astype(
        np.float32)) / 2, atol=1e-3)  # fmt: skip
    facts = folder.read_json(small / "run" / folder.RUN)
    assert [one["name"] for one in facts["card"]] == ["base", "mixed"]
    assert facts["config"]["phases"][1]["name"] == "mixed"
    assert head_of(model).output_shape[-1] == 3
    assert not any(folder.read_json(small / "run" / folder.HISTORY).values())


def test_a_stage_knows_where_it_came_from():
    card = {"stages": [{"name": n, "stage": {"of": of}} for n, of in
                       (("base", ""), ("x", "base"), ("y", "base"))]}  # fmt: skip
    assert [one["name"] for one in run_of_card.way_to(card, "y")] == ["base", "y"]


def test_released_weights_are_where_it_begins(tmp_path):
    run_of_card.main(["start", "--output", str(tmp_path / "start.npz")])
    layers, arrays = load_network(tmp_path / "start.npz")
    assert {layer["kind"] for layer in layers} >= {"Conv2D", "DepthwiseConv2D"}
    assert arrays["logits/kernel"].shape[1] == len(ALPHABET)
    shutil.rmtree(tmp_path)


def test_ends_and_their_means_are_read_at_the_size_that_is_named(tmp_path, monkeypatch):
    run_of_card.main(["start", "--output", str(tmp_path / "start.npz")])
    layers, arrays = load_network(tmp_path / "start.npz")
    moved = {**arrays, "conv/kernel": arrays["conv/kernel"] + 1}
    save_network(tmp_path / "base.npz", layers, moved)
    seen = []

    def strangers(network, _, labels, size_px, names):
        kernel = backbone_of(network.model).get_layer("conv").get_weights()[0]
        seen.append((kernel, len(labels), size_px, names))
        return {"mean_letters_24": 0.5, "mean_letters_26": 0.25}

    monkeypatch.setattr(ends_of_card, "strangers", strangers)
    row = ends_of_card.read("64:start+base", tmp_path, tmp_path / "start.npz", tmp_path)
    assert row["end"] == "64:start+base"
    assert [names for *_, names in seen] == [STUDIED, STRANGERS]
    for kernel, labels, size_px, _ in seen:
        np.testing.assert_allclose(kernel, arrays["conv/kernel"] + 0.5, atol=1e-6)
        assert (labels, size_px) == (len(ALPHABET), (64, 64))


def test_the_page_tells_stages_and_ends_apart(monkeypatch):
    monkeypatch.setattr(strangers_page, "said", lambda _: "how")
    stage = {"of": "", "side": 160, "seconds": 139.6, "drawn": 0.4}
    figures = {
        "card": {"device": "Card", "batch": 256, "stages": [
            {"name": "base", "stage": stage, "pictures": 932352, "pictures_per_s": 6675,
             "drawings": 132648, "val": 0.971}]},
        "ends": [{"end": "160:base+mixup_192",
                  "studied": {"mean_letters_24": 0.844, "mean_letters_26": 0.838},
                  "strangers": {"mean_letters_24": 0.886, "mean_letters_26": 0.879}}],
    }  # fmt: skip
    lines = strangers_page.ends(figures)
    assert (
        "| base | the released one before | 160 px | 140 s | 932,352 | 6,675 | 40.0 % of 132,648 "
        "| 97.1 % |"
    ) in lines
    assert "| base, mixup_192 | 160 px | 84.4 % | 83.8 % | 88.6 % | 87.9 % |" in lines
