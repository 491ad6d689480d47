"""What is trained on a card is the package's own network on its own pictures."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import fields, replace
from functools import partial

import keras
import numpy as np
import pytest
import torch
import unseen_signers_levers

import card_changes
import card_learning
import card_page
import card_pictures
import card_step
import ends_of_card
import levers_of_card
import on_card
import run_of_card
import train_on_card
from card_changes import changed
from card_learning import changed_stage
from card_pictures import Drawings, canvas, weights_of
from card_step import Stage, Step
from fingerspell.config import AugmentConfig, ModelConfig, load_recipe
from fingerspell.dataset.manifest import Sample, read_manifest
from fingerspell.errors import RunError
from fingerspell.images import encode_jpeg
from fingerspell.labels import ALPHABET
from fingerspell.model import (
    backbone_of,
    build_recogniser,
    head_of,
    load_recogniser,
    views_of,
    with_hand_crop,
)
from fingerspell.model.hand_crop import HandBox, hand_box_of
from fingerspell.model.weights import CONTRACT
from fingerspell.train import run_folder
from helpers.exports import fitted, recogniser
from helpers.small_run import write_colours
from helpers.starter_folder import starter_folder
from helpers.synthetic_folder import scene
from helpers.tiny_network import tiny_backbone_with_grid
from source_names import STRANGERS, STUDY_ONLY
from twin import Twin, load_network, save_network, written_down

ROOT = run_of_card.ROOT
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
    coarse = partial(card_changes.coarse, share=0.4)
    for change in (card_changes.blurred, coarse, card_changes.compressed):
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
    from fingerspell.loading.photometric import tone_table

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


def test_hands_are_synthetic_beside_and_each_shows_its_class():
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
    assert card_pictures._synthetic(again, labels, 5, 6) == 2
    np.testing.assert_array_equal(drawings.pictures[6, :3].permute(1, 2, 0), again)


def test_drawings_stay_in_a_folder_for_whoever_comes_next(tmp_path):
    given = ((*ALPHABET[:2],), 32, card_pictures.CHUNK * 2, 5, torch.device("cpu"), 1, tmp_path)
    first = Drawings(*given)
    first.take(card_pictures.CHUNK)
    first.close()
    synthetic = first.ready
    assert synthetic >= card_pictures.CHUNK
    again = Drawings(*given)
    try:
        assert again.ready == synthetic
        assert (again.pictures[:synthetic] == first.pictures[:synthetic]).all()
        assert (again.targets[:synthetic] == first.targets[:synthetic]).all()
        again.take(card_pictures.CHUNK * 2)
        assert len({bytes(x.numpy().tobytes()) for x in again.pictures}) == len(again.pictures)
    finally:
        again.close()


def test_drawings_of_another_seed_or_size_are_not_taken_for_these(tmp_path):
    given = [(*ALPHABET[:2],), 32, card_pictures.CHUNK, 5, torch.device("cpu"), 1, tmp_path]
    Drawings(*given).close()
    for place, other in ((0, ("A", "C")), (1, 48), (2, 48), (3, 6)):
        with pytest.raises(SystemExit, match="name an empty folder"):
            Drawings(*given[:place], other, *given[place + 1 :])


@pytest.mark.parametrize(
    ("main", "arguments", "told"),
    [
        (run_of_card.main, ["start", "--output", "x.npz", "--weights", "none.h5"], "no file none"),
        (run_of_card.main, ["end", "none.npz", "--output_dir", "x"], "no file none.npz, card.json"),
        (
            run_of_card.main,
            ["again", "--dataset_dir", "none", "--output_dir", "x"],
            "no folder none",
        ),
        (ends_of_card.main, ["160:one+start", "--card", "c", "--start", "s.npz"], "one.npz, s.npz"),
        (levers_of_card.main, ["none.json"], "not what unseen_signers_levers.py writes"),
        (levers_of_card.main, ["empty.json"], "without {"),
        (train_on_card.main, ["--network", "x", "--output", "y", "--set", "mixup"], "--set"),
        (train_on_card.main, ["--network", "x", "--output", "y", "--set", "mix=1"], "no setting"),
    ],
)
def test_what_is_missing_or_wrong_is_named(main, arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.json").write_text("{}")
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["empty.json"]


def photos(count=4, side=32):
    pictures = torch.full((count, 4, side, side), 255, dtype=torch.uint8)
    for number in range(count):
        pictures[number, :3] = 40 * (number + 1)
    samples = tuple(sample("AB"[number % 2], f"source {number % 2}") for number in range(count))
    targets = torch.arange(count) % 2
    return card_pictures.Photos(pictures, targets, targets + 1, samples, targets).counted(0.5)


def test_pictures_are_dealt_as_often_as_they_count():
    dealt, targets, sources = photos().some(4000)
    values, counts = dealt[:, 0, 0, 0].unique(return_counts=True)
    assert values.tolist() == [40, 80, 120, 160]
    assert (counts.float() / 4000 - 0.25).abs().max() < 0.04
    assert (sources == targets + 1).all()
    uneven = photos()
    uneven = replace(uneven, samples=(*(sample("A", x) for x in "ppp"), sample("A", "q")))
    shares = {
        power: (uneven.counted(power).some(4000)[0][:, 0, 0, 0] == 160).float().mean().item()
        for power in (0.0, 1.0)
    }
    assert shares[0.0] == pytest.approx(0.5, abs=0.04)
    assert shares[1.0] == pytest.approx(0.25, abs=0.04)


def test_pictures_are_laid_over_each_other_as_their_targets_say():
    pictures, targets = torch.rand(8, 3, 10, 10), torch.eye(8)
    mixed, told = card_changes.mixup(pictures, targets, torch.tensor(0.7))
    torch.testing.assert_close(mixed, torch.einsum("nm,mchw->nchw", told, pictures))
    assert told.diagonal().min() == pytest.approx(0.7)
    assert (told.diagonal() < 0.99).any()


def test_a_cut_piece_covers_what_its_target_says():
    pictures, targets = torch.rand(8, 3, 12, 12), torch.eye(8)
    seen = set()
    for share in (0.1, 0.4, 0.9):
        mixed, told = card_changes.cutmix(pictures, targets, torch.tensor(share))
        kept = (mixed == pictures).all(1).float().mean((1, 2))
        torch.testing.assert_close(told.diagonal(), kept)
        assert kept.min().item() == pytest.approx(share, abs=0.13)
        seen.add(round(kept.min().item(), 2))
    assert len(seen) == 3


def test_a_style_is_another_pictures_means_and_deviations():
    x, other = torch.rand(4, 2, 6, 6), torch.tensor([1, 2, 3, 0])
    same = card_step.restyled(x, torch.ones(4, 1, 1, 1), other)
    torch.testing.assert_close(same, x, atol=1e-5, rtol=1e-5)
    swapped = card_step.restyled(x, torch.zeros(4, 1, 1, 1), other)
    torch.testing.assert_close(swapped.mean((2, 3)), x[other].mean((2, 3)), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(swapped.std((2, 3)), x[other].std((2, 3)), atol=1e-3, rtol=1e-3)
    assert torch.corrcoef(torch.stack([swapped[0, 0].ravel(), x[0, 0].ravel()]))[0, 1] > 0.999


class NoDrawings:
    """Stands for synthetic hands where there are none of these classes: grey pictures."""

    ready = 8

    def __init__(self, *_):
        pass

    def take(self, _=0):
        return self.ready

    def some(self, count):
        grey = torch.full((count, 4, 32, 32), 128, dtype=torch.uint8)
        grey[:, 3] = 255
        zeros = torch.zeros(count, dtype=torch.long)
        return grey, zeros, zeros

    def close(self):
        pass


def on_the_card():
    unseen_signers = on_card.Sources({}, ("A", "B", "C"))
    return on_card.OnCard(torch.device("cpu"), ("A", "B", "C"), photos(), photos(), NoDrawings(),
                          torch.full((2, 3, 8, 8), 200, dtype=torch.uint8), unseen_signers)  # fmt: skip


def small_twin(classes=3):
    keras.utils.set_random_seed(3)
    config = ModelConfig(backbone="MobileNetV3Small", image_size_px=(32, 32))
    return twin_of(build_recogniser(config, classes))


PLAIN = Stage(name="plain", rate=1e-3, augment=OFF, side=32, smoothing=0.3)


def test_a_batch_has_its_share_of_drawings_and_smooth_targets():
    step = Step(small_twin(), replace(PLAIN, synthetic=0.25), 8, on_the_card())
    pictures, targets, origins = step.pictures()
    synthetic = ((pictures * 255).round() == 128).flatten(1).all(dim=1)
    assert synthetic.tolist() == [False] * 6 + [True] * 2
    assert origins.tolist() == [*(targets[:6].argmax(1) + 1).tolist(), 0, 0]
    assert targets.max().item() == pytest.approx(0.8)
    assert targets.min().item() == pytest.approx(0.1)
    assert (
        Step(small_twin(), replace(PLAIN, synthetic=1.0), 8, on_the_card()).pictures()[2].max() == 0
    )


def test_teachers_say_their_share_of_a_target():
    teacher, network = small_twin(), small_twin()
    with torch.no_grad():
        teacher.weight("logits", "bias").copy_(torch.tensor([0.0, 0.0, 50.0]))
    losses = []
    for taught in (0.0, 1.0):
        step = Step(network, replace(PLAIN, taught=taught), 8, on_the_card(), [teacher.eval()])
        with torch.no_grad():
            network.weight("logits", "bias").copy_(torch.tensor([0.0, 0.0, 50.0]))
        step(0.0)
        losses.append(step.loss.item())
    assert losses[1] < 1 < 10 < losses[0]


def test_an_adversary_turns_the_backbones_gradient_and_not_its_own():
    x = torch.ones(3, requires_grad=True)
    (card_step.Reversed.apply(x) * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [-1, -2, -3]
    step = Step(small_twin(), replace(PLAIN, adversary=0.5), 8, on_the_card())
    before = step.adversary.weight.detach().clone()
    step(1e-2)
    assert (step.adversary.weight != before).any()
    assert step.adversary.out_features == 3


def test_settled_statistics_stay_and_others_move():
    moved = []
    for settled in (True, False):
        network = small_twin()
        before = network.weight("conv_bn", "moving_mean").clone()
        Step(network, replace(PLAIN, settled=settled), 8, on_the_card())(1e-3)
        moved.append(bool((network.weight("conv_bn", "moving_mean") != before).any()))
    assert moved == [False, True]


def test_measuring_a_step_leaves_everything_as_it_was():
    step = Step(small_twin(), PLAIN, 8, on_the_card())
    before = card_learning.state_of(step.network)
    assert card_learning.seconds_of(step) > 0
    for name, value in step.network.state_dict().items():
        assert (value == before[name]).all(), name
    assert all((v == 0).all() for s in step.optimizer.state.values() for v in s.values())


def test_the_rate_climbs_and_falls():
    warm = card_learning.WARM_UP_STEPS
    rates = [card_learning.rate_at(PLAIN, step, 0.0) for step in (0, warm // 2, warm - 1, 500)]
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(PLAIN.rate)
    assert card_learning.rate_at(PLAIN, 500, 0.5) == pytest.approx(PLAIN.rate * 0.505)
    assert card_learning.rate_at(PLAIN, 500, 1.2) == pytest.approx(PLAIN.rate * 0.01)


def test_the_mean_of_steps_is_kept_not_the_last():
    network = twin_of(recogniser())
    mean, conv = card_learning.Mean(network), network.weight("conv", "kernel")
    with torch.no_grad():
        for value in (1.0, 2.0, 6.0):
            conv.fill_(value)
            mean.follow(0.01)
    assert conv.mean().item() == pytest.approx(6.0, abs=1e-5)
    mean.settle()
    assert conv.mean().item() == pytest.approx(3.0, abs=1e-5)


def test_weights_come_back_and_so_does_the_mean_of_several():
    network = small_twin()
    states = []
    for value in (1.0, 3.0):
        with torch.no_grad():
            network.weight("conv", "kernel").fill_(value)
        states.append(card_learning.state_of(network))
    card_learning.restore(network, states)
    assert (network.weight("conv", "kernel") == 2).all()
    card_learning.restore(network, states[:1])
    assert (network.weight("conv", "kernel") == 1).all()


def test_unseen_signers_are_read_source_by_source_and_views_count_alike():
    truth = np.array([0, 1, 2])
    seen = torch.zeros((3, 4, 8, 8), dtype=torch.uint8)
    sources = on_card.Sources({"one": (seen, truth)}, ("A", "Z", "nothing"))
    told = torch.tensor([[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.9, 0.0, 0.1]])
    assert sources.read(lambda _: told) == {"one": {"letters_24": 1.0, "letters_26": 0.5}}

    class Left(torch.nn.Module):
        def forward(self, x):
            return x[:, :2, :, : x.shape[3] // 2].mean((2, 3)) * 10

    picture = torch.zeros((1, 4, 8, 8), dtype=torch.uint8)
    picture[:, 0, :, :4] = 255
    once, twice = (card_learning.answers([Left()], 8, x)(picture)[0, 0] for x in (False, True))
    assert once > 0.99
    assert twice.item() == pytest.approx((once.item() + 0.5) / 2, abs=1e-3)


def test_a_setting_goes_where_it_belongs():
    changed = changed_stage(PLAIN, rate=0.5, bend=0.1)
    assert (changed.rate, changed.augment.bend) == (0.5, 0.1)
    assert train_on_card.asked(PLAIN, [("side", 64), ("zoom", 0.3)]).side == 64
    assert train_on_card.setting("zoom=0.3") == ("zoom", 0.3)
    with pytest.raises(TypeError):
        changed_stage(PLAIN, nonsense=1)


def test_a_mean_is_built_greedily_from_what_helps():
    scores = {"a": 5, "ab": 4, "ac": 6, "acd": 6}
    assert train_on_card.best_mean(lambda names: scores["".join(names)], list("abcd")) == ["a", "c"]


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A data set of three colours, a tiny network that begins there, and two short stages."""
    monkeypatch.setattr("fingerspell.model.build.build_backbone", tiny_backbone_with_grid)
    keras.utils.set_random_seed(3)
    dataset = write_colours(tmp_path / "dataset", pictures=(30, 6, 6))
    labels = read_manifest(dataset).labels
    config = ModelConfig(backbone="MobileNetV3Small", image_size_px=(32, 32))
    start = build_recogniser(config, len(labels))
    save_network(tmp_path / "start.npz", *written_down(start))
    first = Stage(name="base", rate=1e-3, augment=OFF, side=32, share=0.6)
    plan = [first, replace(first, name="mixed", of="base", share=0.4, mixup=0.4)]
    monkeypatch.setattr(train_on_card, "stages", lambda _: plan)
    monkeypatch.setattr(card_pictures, "CANVAS_PX", 32)
    monkeypatch.setattr(on_card, "Drawings", NoDrawings)
    return tmp_path


def options_of(small):
    return ["--network", str(small / "start.npz"), "--dataset_dir", str(small / "dataset"),
            "--batch", "8", "--backgrounds", "4"]  # fmt: skip


def test_the_whole_way_from_a_network_to_a_run_folder(small, monkeypatch):
    card = small / "card"
    train_on_card.main(
        [*options_of(small), "--output", str(card), "--budget_s", "4", "--reserve_s", "0"]
    )
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
    model = load_recogniser(small / "run" / run_folder.MODEL)
    assert views_of(model) == "hand_crop"
    mean = run_of_card.mean_of([card / "base.npz", card / "mixed.npz"])
    kernel = backbone_of(model).get_layer("first").get_weights()[0]
    np.testing.assert_allclose(kernel, mean["first/kernel"], atol=1e-7)
    np.testing.assert_allclose(kernel, (ends[0]["first/kernel"] + ends[1]["first/kernel"].astype(
        np.float32)) / 2, atol=1e-3)  # fmt: skip
    facts = run_folder.read_json(small / "run" / run_folder.RUN)
    assert [one["name"] for one in facts["card"]] == ["base", "mixed"]
    assert facts["config"]["phases"][1]["name"] == "mixed"
    assert head_of(model).output_shape[-1] == 3
    assert not any(run_folder.read_json(small / "run" / run_folder.HISTORY).values())


def test_released_weights_get_another_temperature_and_keep_all_else(small):
    dataset, labels = small / "dataset", read_manifest(small / "dataset").labels
    begun = build_recogniser(ModelConfig(backbone="MobileNetV3Small", image_size_px=(32, 32)), 3)
    released = with_hand_crop(begun, HandBox(np.linspace(-1, 1, 8, dtype=np.float32), 0.5))
    starter = starter_folder(small / "starter", released, labels)
    known = json.loads((starter / CONTRACT).read_text())
    known |= {"temperature": 0.5}
    known["origin"] |= {"manifest_sha256": "another", "weights_origin": "somewhere", "commit": "c"}
    (starter / CONTRACT).write_text(json.dumps(known))
    with pytest.raises(RunError, match="not what the released recogniser learnt from"):
        run_of_card.again(dataset, small / "run", "", starter)
    assert not (small / "run").exists()
    known["origin"]["manifest_sha256"] = read_manifest(dataset).sha256
    (starter / CONTRACT).write_text(json.dumps(known))
    facts = run_of_card.again(dataset, small / "run", "", starter)
    model = load_recogniser(small / "run" / run_folder.MODEL)
    np.testing.assert_array_equal(hand_box_of(model).kernel, hand_box_of(released).kernel)
    kernel, found = (head_of(x).get_layer("logits").get_weights()[0] for x in (begun, model))
    np.testing.assert_allclose(found * facts["temperature"] / 0.5, kernel, rtol=1e-3, atol=1e-4)
    assert facts["temperature"] != 0.5
    assert (facts["finished"], facts["commit"]) == ("2026-01-01", "c")
    assert facts["weights_origin"].startswith("somewhere; calibrated anew 2")
    told = run_folder.read_json(small / "run" / run_folder.RUN)
    assert told["temperature"] == facts["temperature"] and told["labels"] == list(labels)


def test_every_trial_is_learnt_and_read(small, monkeypatch):
    for name in (*STUDY_ONLY, *STRANGERS):
        for label in read_manifest(small / "dataset").labels:
            (small / "data" / name / label).mkdir(parents=True)
            path = small / "data" / name / label / "1.jpg"
            path.write_bytes(encode_jpeg(np.full((20, 20, 3), 90, np.uint8), 90))
    recipe = replace(PLAIN, rate=1e-3)
    picked = [
        x for x in unseen_signers_levers.trials(recipe) if not x.name.startswith("synthetic")
    ][:8]
    monkeypatch.setattr(unseen_signers_levers, "trials", lambda _: iter(picked))
    output = small / "levers.json"
    # As where a step is slow: something is told before the twentieth, after which losses are kept.
    monkeypatch.setattr("card_learning.TOLD_S", 0.0)
    unseen_signers_levers.main([*options_of(small), "--data", str(small / "data"), "--side", "32",
                           "--steps", "2", "--output", str(output)])  # fmt: skip
    told = json.loads(output.read_text())
    names = [row["trial"] for row in told["trials"]]
    assert set(names) >= {x.name for x in picked}
    assert "the three's mean weights" in names
    assert all(set(row["read"]) == {*STUDY_ONLY, *STRANGERS}
               for row in told["trials"])  # fmt: skip


def test_a_trial_differs_from_the_recipe_in_something_and_is_named_once():
    recipe = replace(
        PLAIN, augment=load_recipe(ROOT / "configs/unseen signers.py").config().augment
    )
    found = list(unseen_signers_levers.trials(recipe))
    assert len({trial.name for trial in found}) == len(found)
    for trial in found[len(unseen_signers_levers.SEEDS) :]:
        assert (trial.stage, trial.of, trial.steps) != (recipe, "", 1.0)
    before = set[str]()
    for trial in found:
        assert {*trial.teachers, *filter(None, [trial.of])} <= before
        before.add(trial.name)


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
    arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
    moved = {**arrays, "conv/kernel": arrays["conv/kernel"] + 1}
    save_network(tmp_path / "base.npz", layers, moved)
    seen = []

    def unseen_signers(network, _, labels, size_px, names):
        kernel = backbone_of(network.model).get_layer("conv").get_weights()[0]
        seen.append((kernel, len(labels), size_px, names))
        return {"mean_letters_24": 0.5, "mean_letters_26": 0.25}

    monkeypatch.setattr(ends_of_card, "unseen_signers", unseen_signers)
    row = ends_of_card.read("64:start+base", tmp_path, tmp_path / "start.npz", tmp_path)
    assert row["end"] == "64:start+base"
    assert [names for *_, names in seen] == [STUDY_ONLY, STRANGERS]
    for kernel, labels, size_px, _ in seen:
        np.testing.assert_allclose(kernel, arrays["conv/kernel"] + 0.5, atol=1e-6)
        assert (labels, size_px) == (len(ALPHABET), (64, 64))


def test_the_page_tells_stages_and_ends_apart(monkeypatch):
    monkeypatch.setattr(card_page, "said", lambda _: "how")
    stage = {"of": "", "side": 160, "seconds": 139.6, "synthetic": 0.4}
    figures = {
        "card": {"device": "Card", "batch": 256, "stages": [
            {"name": "base", "stage": stage, "pictures": 932352, "pictures_per_s": 6675,
             "drawings": 132648, "val": 0.971}]},
        "ends": [{"end": "160:base+mixup_192",
                  "studied": {"mean_letters_24": 0.844, "mean_letters_26": 0.838},
                  "unseen_signers": {"mean_letters_24": 0.886, "mean_letters_26": 0.879}}],
    }  # fmt: skip
    lines = card_page.ends(figures)
    assert (
        "| base | the released one before | 160 px | 140 s | 932,352 | 6,675 | 40.0 % of 132,648 "
        "| 97.1 % |"
    ) in lines
    assert "| base, mixup_192 | 160 px | 84.4 % | 83.8 % | 88.6 % | 87.9 % |" in lines
    stage["of"] = "usual+strong"
    figures["ends"].append({**figures["ends"][0], "end": "160:start"})
    assert any("read best by base, mixup_192." in line for line in card_page.ends_again(figures))
    figures["ends"].sort(key=lambda row: row["end"], reverse=True)
    lines = card_page.ends_again(figures)
    assert any("No way and no mean" in line for line in lines)
    assert any(line.startswith("| base | usual, strong | 160 px | 140 s |") for line in lines)
    assert "| base, mixup_192 | 160 px | 84.4 % | 83.8 % | 88.6 % | 87.9 % |" in lines


def test_the_page_compares_trials_with_the_mean_of_the_recipes_seeds(monkeypatch):
    monkeypatch.setattr(card_page, "said", lambda _: "how")

    def row(name, studied, unseen_signers, val=0.9):
        read = {name: {"letters_24": studied} for name in STUDY_ONLY}
        read |= {name: {"letters_24": unseen_signers} for name in STRANGERS}
        return {"trial": name, "val": val, "read": read}

    recipe = ["the recipe, 1", "the recipe, 2"]
    figures = {
        "recipe": recipe,
        "card": {"device": "Card", "batch": 256, "steps": 10, "side": 128, "synthetic_hands": 20,
                 "trials": [row(recipe[0], 0.6, 0.7), row(recipe[1], 0.66, 0.72),
                            *(row(f"{name}, its last weights", 0.5, 0.6) for name in recipe),
                            *(row(f"{name}, mirrored as well", 0.68, 0.7) for name in recipe),
                            row("the three's mean answer", 0.7, 0.8, 0.0),
                            row("the three's mean weights", 0.3, 0.4),
                            row("with MixUp", 0.65, 0.7), row("frozen", 0.1, 0.1, 0.04)]},
    }  # fmt: skip
    lines = card_page.levers(figures)
    assert "| the recipe, 2 | 66.0 % | 72.0 % | 90.0 % |" in lines
    assert "| with MixUp | 65.0 % (+2.0) | 70.0 % (-1.0) | 90.0 % |" in lines
    assert "| as they are, mean of three | 63.0 % | 71.0 % | 90.0 % |" in lines
    assert "| without averaged weights | 50.0 % (-13.0) | 60.0 % (-11.0) | 90.0 % |" in lines
    assert "| the three networks' mean answer | 70.0 % (+7.0) | 80.0 % (+9.0) | – |" in lines
    assert any("came out 6 points apart in the first column and 2 in the second" in x
               for x in lines)  # fmt: skip
    assert len([x for x in lines if x.startswith("| ")]) == 2 + 2 + 2 + 5
    assert (
        "| frozen: learnt nothing at that rate | 10.0 % (-53.0) | 10.0 % (-61.0) | 4.0 % |" in lines
    )
