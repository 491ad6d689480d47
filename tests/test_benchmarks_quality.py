"""Time to quality measures what it says, on runs of seconds."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

import course
import guide_recipe
import reached
import reading
import watched
from fingerspell.config import progressive
from fingerspell.dataset.manifest import read_manifest
from fingerspell.model import backbone_of, build_recogniser, load_recogniser
from fingerspell.train import phases
from fingerspell.train.state import BestWeights
from helpers.small_run import FINETUNE, HEAD, SIDE_PX, SMALL, small_config, write_colours
from helpers.tiny_network import tiny_backbone

CLOCKS_S = [10.0, 20.0, 30.0, 40.0]


def test_one_lucky_epoch_between_two_worse_ones_does_not_count():
    assert reached.time_to(0.8, [0.5, 0.9, 0.5, 0.5], CLOCKS_S) is None
    assert reached.time_to(0.8, [0.5, 0.9, 0.75, 0.85], CLOCKS_S) == 20.0


def test_an_epoch_must_reach_an_accuracy_itself():
    assert reached.time_to(0.8, [0.79, 0.9, 0.9, 0.9], CLOCKS_S) == 20.0


def test_the_last_epoch_stands_for_itself_and_the_one_before_for_two():
    assert reached.time_to(0.8, [0.1, 0.2, 0.3, 0.8], CLOCKS_S) == 40.0
    assert reached.time_to(0.8, [0.1, 0.2, 0.8, 0.8], CLOCKS_S) == 30.0
    assert reached.time_to(0.8, [0.1, 0.2, 0.8, 0.7], CLOCKS_S) is None


def test_a_side_reaches_its_own_best():
    dice = np.random.default_rng(3)
    for _ in range(50):
        accuracies = list(dice.random(4))
        assert reached.time_to(reached.best(accuracies), accuracies, CLOCKS_S) is not None


def test_the_ladder_ends_at_the_guides_best_and_leaves_out_what_nobody_reached():
    guide = ([0.3, 0.55, 0.62, 0.62], CLOCKS_S)
    ours = ([0.65, 0.72, 0.72, 0.72], [1.0, 2.0, 3.0, 4.0])
    steps = reached.ladder(guide, ours)
    assert [step["accuracy"] for step in steps] == [0.5, 0.6, 0.7, 0.62]
    assert steps[0] == {"accuracy": 0.5, "guide_s": 20.0, "ours_s": 1.0, "times_faster": 20.0}
    assert steps[2] == {"accuracy": 0.7, "guide_s": None, "ours_s": 2.0, "times_faster": None}
    assert steps[-1]["times_faster"] == 30.0


def test_noting_is_not_on_the_clock(tmp_path, monkeypatch):
    def slow(*_: object) -> None:
        time.sleep(0.2)

    noted = course.Course(tmp_path, time.perf_counter())
    monkeypatch.setattr(course.np, "savez", slow)
    noted.note([], phase="head", pictures=1, size_px=(32, 32))
    noted.note([], phase="head", pictures=1, size_px=(32, 32))
    assert noted.clock_s() < 0.2


def test_a_course_is_read_as_it_was_written(tmp_path):
    noted = course.Course(tmp_path, time.perf_counter() - 5)
    weights = [np.full((2, number), number, np.float32) for number in range(12)]
    noted.note(weights, phase="head", pictures=64, size_px=(32, 48))
    noted.finish(kept_epoch=0)
    epochs, facts = course.read_course(tmp_path)
    assert epochs == noted.epochs
    assert epochs[0].size_px == (32, 48)
    assert 5 <= epochs[0].clock_s <= facts["whole_s"] + 0.1
    assert facts["kept_epoch"] == 0
    for kept, given in zip(course.weights_of(tmp_path, 0), weights, strict=True):
        np.testing.assert_array_equal(kept, given)


@pytest.fixture(scope="module")
def guide():
    return guide_recipe.build(3, 32, None)


def first_convolution(backbone: keras.Model) -> keras.Model:
    """Deeper, a network with random weights answers alike whatever it sees."""
    layer = next(x for x in backbone.layers if isinstance(x, keras.layers.Conv2D))
    return keras.Model(backbone.input, layer.output)


def test_the_guides_network_scales_pixels_once(guide):
    """In [0, 255] it sees what the package's backbone sees in [-1, 1]."""
    theirs = guide.get_layer(guide_recipe.FRONT).get_layer("base")
    ours = backbone_of(build_recogniser(replace(SMALL, backbone="MobileNetV3Large"), 3))
    ours.set_weights(theirs.get_weights())
    picture = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)
    seen = np.asarray(first_convolution(ours)(2 * picture - 1))
    assert np.asarray(seen).std() > 0.1
    np.testing.assert_allclose(first_convolution(theirs)(255 * picture), seen, atol=1e-4)


def test_the_guides_statistics_stay_still_when_the_backbone_is_freed(guide):
    base = guide.get_layer(guide_recipe.FRONT).get_layer("base")
    guide_recipe.unfreeze(guide, 0)
    kinds = {type(layer).__name__: layer.trainable for layer in base.layers}
    assert kinds["Conv2D"]
    assert not kinds["BatchNormalization"]
    guide_recipe.unfreeze(guide, 30)
    convolutions = [x.trainable for x in base.layers if type(x).__name__ == "Conv2D"]
    assert not convolutions[0]
    assert convolutions[-1]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_colours(tmp_path_factory.mktemp("colours") / "dataset")


def tiny_base(include_top, weights, input_shape, name):
    """Stands in for `keras.applications.MobileNetV3Large`, without its top."""
    image = keras.Input(input_shape)
    x = keras.layers.Conv2D(6, 5, strides=4, use_bias=False)(image)
    return keras.Model(image, keras.layers.BatchNormalization()(x), name=name)


@pytest.fixture
def guides_run(dataset, tmp_path, monkeypatch):
    """Trains the guide's recipe on a tiny network: (limit in seconds, epochs) → its epochs."""
    monkeypatch.setattr(keras.applications, "MobileNetV3Large", tiny_base)

    def run(limit_s: float, epochs: int) -> list[course.Epoch]:
        guide_recipe.train(
            argparse.Namespace(
                dataset_dir=dataset, output_dir=tmp_path, weights=None, epochs=epochs, seed=1,
                unfreeze_last=0, limit_s=limit_s, batch_size=8, side=32,
            )
        )  # fmt: skip
        return course.read_course(tmp_path)[0]

    return run


def test_the_guides_recipe_learns_in_two_phases_and_keeps_its_statistics(guides_run, tmp_path):
    epochs = guides_run(float("inf"), 3)
    assert [epoch.phase for epoch in epochs] == ["frozen", "finetune", "finetune"]
    assert [epoch.pictures for epoch in epochs] == [24, 24, 24]
    one, two, three = (course.weights_of(tmp_path, number) for number in range(3))
    assert not np.array_equal(one[-1], two[-1])
    assert not np.array_equal(two[-1], three[-1])
    still = guide_recipe.build(3, 32, None)
    names = [weight.path.split("/")[-1] for weight in still.weights]
    statistics = [number for number, name in enumerate(names) if name.startswith("moving")]
    assert len(statistics) == 2
    assert all(np.array_equal(one[number], three[number]) for number in statistics)


def test_the_guides_recipe_ends_after_the_epoch_in_which_its_time_was_up(guides_run):
    assert len(guides_run(0.001, 6)) == 1


@pytest.fixture(scope="module")
def ours(dataset, tmp_path_factory):
    """A run in two picture sizes, watched: (its course's folder, its configuration)."""
    folder = tmp_path_factory.mktemp("ours")
    stages = progressive(FINETUNE, {SIDE_PX: 0.4, 2 * SIDE_PX: 0.6})
    config = small_config(
        dataset,
        folder / "run",
        model=replace(SMALL, image_size_px=(2 * SIDE_PX, 2 * SIDE_PX)),
        phases=(HEAD, *stages),
    )
    with tiny_networks():
        watched.train_watched(config, course.Course(folder, time.perf_counter()))
    return folder, config


@contextmanager
def tiny_networks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fingerspell.model.build.build_backbone", tiny_backbone)
        yield


def network_of(size_px: tuple[int, int]) -> reading.Network:
    with tiny_networks():
        return reading.packaged(build_recogniser(replace(SMALL, image_size_px=size_px), 3))


def test_what_is_read_afterwards_is_what_the_trainer_validated(ours, dataset):
    """The noted weights are the averaged ones, of the network at the phase's own size."""
    folder, config = ours
    epochs, _ = course.read_course(folder)
    history = json.loads((config.output_dir / "training_history.json").read_text("utf-8"))
    held_out = read_manifest(dataset).split("val")
    paths = [dataset / sample.path for sample in held_out]
    truth = np.eye(3)[[["A", "B", "nothing"].index(sample.label) for sample in held_out]]
    smoothed = truth * (1 - config.label_smoothing) + config.label_smoothing / 3
    losses = []
    for number, epoch in enumerate(epochs):
        network = network_of(epoch.size_px)
        network.model.set_weights(course.weights_of(folder, number))
        answers = network.probabilities(paths, epoch.size_px)
        losses.append(-np.sum(smoothed * np.log(answers), axis=1).mean())
    assert len(set(losses)) == len(losses)
    assert losses == pytest.approx(history["val_loss"], abs=1e-5)


def test_a_curve_holds_each_epochs_own_accuracies(ours, dataset):
    folder, config = ours
    epochs, _ = course.read_course(folder)
    rows = reading.curve(folder, epochs, read_manifest(dataset), network_of)
    history = json.loads((config.output_dir / "training_history.json").read_text("utf-8"))
    assert [row["phase"] for row in rows] == history["phase"]
    assert [row["val"] for row in rows] == pytest.approx(history["val_accuracy"])
    assert [row["size_px"][0] for row in rows] == [64, 64, 32, 64, 64]
    assert rows[-1]["held_out"] == pytest.approx((rows[-1]["val"] + rows[-1]["test"]) / 2)


def test_features_are_read_anew_when_the_backbone_has_moved(ours, dataset, monkeypatch):
    """Once for the frozen phase, and in each epoch of the others."""
    read = []
    features = reading.Network.features

    def counted(self: reading.Network, paths: list[Path], size_px: tuple[int, int]) -> object:
        read.append(size_px[0])
        return features(self, paths, size_px)

    monkeypatch.setattr(reading.Network, "features", counted)
    epochs, _ = course.read_course(ours[0])
    reading.curve(ours[0], epochs, read_manifest(dataset), network_of)
    assert read == [64, 32, 64, 64]


def test_nobody_watches_when_the_training_is_over(ours):
    assert phases.learn.__module__ == "fingerspell.train.loop"
    assert BestWeights.consider.__module__ == "fingerspell.train.state"


def test_unseen_signers_are_the_mean_over_sources_and_not_over_pictures(
    ours, tmp_path, monkeypatch
):
    write_colours(tmp_path / "one", (1, 1, 1))
    write_colours(tmp_path / "other", (9, 1, 1))
    monkeypatch.setattr(reading, "STRANGERS", ("one/train", "other/train"))
    network = reading.packaged(load_recogniser(ours[1].output_dir / "model.keras"))
    people = reading.unseen_signers(network, tmp_path, ("A", "B", "nothing"), (64, 64))
    each = [source["letters_26"] for source in people["sources"].values()]
    assert people["mean_letters_26"] == pytest.approx(sum(each) / 2)
