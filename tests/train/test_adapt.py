"""The released recogniser fitted to a few pictures."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from fingerspell.config import AdaptConfig, Phase
from fingerspell.errors import ConfigError, RunError
from fingerspell.model import backbone_of, build_recogniser, head_of, load_recogniser, size_of
from fingerspell.model.build import feature_network
from fingerspell.model.hand_crop import HandBox, hand_box_of, with_hand_crop
from fingerspell.model.weights import _load_starter_head, build_starter, starter_facts
from fingerspell.prepare.prepare import prepare_small_dataset
from fingerspell.train import adapt as module
from fingerspell.train.adapt import adapt, imprint
from helpers import plain_steps
from helpers.full_memory import hungry_backbone
from helpers.small_run import COLOURS, SMALL, STILL, write_colours
from helpers.starter_folder import starter_folder

pytestmark = pytest.mark.usefixtures("tiny_network_with_grid", "plain_steps")

KNOWN = ("A", "B")


@pytest.fixture(scope="module")
def starter(tmp_path_factory):
    """A released network that has seen no letter, but tells the first two of three colours apart.

    Its statistics are those of colours: with untrained ones all features would be alike.
    """
    keras.utils.set_random_seed(1)
    model = build_recogniser(SMALL, len(KNOWN))
    for layer in backbone_of(model).layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    seen = np.random.default_rng(0).random((16, 1, 1, 3), np.float32) * np.ones((1, 32, 32, 1))
    feature_network(model)(seen.astype(np.float32), training=True)
    return starter_folder(tmp_path_factory.mktemp("released"), model, KNOWN)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Pictures of all three colours; "drawn" ones of the two that are known."""
    base = tmp_path_factory.mktemp("few")
    write_colours(base / "synthetic", (6, 2, 0))
    for split in ("train", "val"):
        for path in (base / "synthetic" / split / "nothing").iterdir():
            path.unlink()
    write_colours(base / "all", (10, 0, 0), seed=7)
    return prepare_small_dataset(
        base / "all" / "train", base / "synthetic", base / "set", test_share=0.3, seed=1
    )


def config(output_dir, **changes) -> AdaptConfig:
    phase = Phase(name="adapt", epochs=1, learning_rate=1e-3, unfrozen_from="all")
    settings = {"phase": phase, "kept_share": 1.0, "steps_per_epoch": 2, "batch_size": 4}
    output_dir.mkdir()
    folders = {"input_dir": output_dir, "output_dir": output_dir}
    return AdaptConfig(**{**folders, "augment": STILL, **settings, **changes})


@pytest.fixture(scope="module")
def adapted(few, starter, tmp_path_factory):
    """(its run folder, what `adapt` returned); everything that was learnt is kept."""
    folder = tmp_path_factory.mktemp("runs") / "adapted"
    with pytest.MonkeyPatch.context() as patch:
        plain_steps.keras_own(patch)
        return folder, adapt(config(folder), few, "fingerspell adapt", starter)


def kernel(model) -> np.ndarray:
    """The weights (features, classes) of the head; those of the new class come last."""
    return np.asarray(head_of(model).get_layer("logits").get_weights()[0])


@pytest.fixture(scope="module")
def released(starter) -> np.ndarray:
    model = build_recogniser(SMALL, len(KNOWN))
    _load_starter_head(model, KNOWN, starter)
    return kernel(model)


def test_it_leaves_what_a_training_leaves(adapted):
    folder, facts = adapted
    assert {path.name for path in folder.iterdir()} == {
        "model.keras", "run.json", "training_history.json", "training_set_labels.txt"
    }  # fmt: skip
    stored = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert stored["labels"] == facts["labels"] == sorted(COLOURS)
    assert stored["config"]["threshold"] == 0.7
    assert "starter" in stored["weights_origin"]
    assert stored["adapted"]["new_classes"] == ["nothing"]
    assert stored["adapted"]["before"]["own_pictures"] == stored["pictures"]["test"] > 0
    history = json.loads((folder / "training_history.json").read_text(encoding="utf-8"))
    assert len(history["loss"]) == 1


def test_what_is_kept_lies_between_the_released_and_the_learnt(
    adapted, few, starter, released, tmp_path
):
    adapt(config(tmp_path / "quarter", kept_share=0.25), few, starter=starter)
    all_of_it, quarter = (
        kernel(load_recogniser(folder / "model.keras"))[:, :2] - released
        for folder in (adapted[0], tmp_path / "quarter")
    )
    assert np.abs(all_of_it).max() > 1e-4
    np.testing.assert_allclose(quarter, 0.25 * all_of_it, atol=1e-6)


def test_where_the_released_one_looks_closer_the_adapted_one_looks_in_the_same_place(
    few, starter, tmp_path
):
    kernel = np.linspace(-1, 1, 8, dtype=np.float32).reshape(1, 1, 8, 1)
    place = HandBox(((kernel, np.full(1, -0.25, np.float32)),))
    labels = tuple(starter_facts(starter)["labels"])
    looking = with_hand_crop(build_starter(labels, starter), place, (48, 48))
    closer = starter_folder(tmp_path / "starter", looking, labels)
    adapt(config(tmp_path / "mine"), few, starter=closer)
    mine = load_recogniser(tmp_path / "mine" / "model.keras")
    assert (size_of(mine), size_of(backbone_of(mine))) == ((48, 48), SMALL.image_size_px)
    ((found, bias),) = hand_box_of(mine).layers
    np.testing.assert_array_equal(found, kernel.astype(np.float16))
    assert bias == -0.25


def test_a_new_class_does_not_start_from_nothing(few, starter, released, tmp_path):
    samples = few.manifest.samples
    everything = (s if s.split == "val" else dataclasses.replace(s, split="train") for s in samples)
    manifest = dataclasses.replace(few.manifest, samples=tuple(everything))
    still = Phase(name="adapt", epochs=1, learning_rate=1e-12, unfrozen_from="all")
    stuck = config(tmp_path / "stuck", phase=still, steps_per_epoch=1)
    facts = adapt(stuck, dataclasses.replace(few, manifest=manifest), starter=starter)
    found = kernel(load_recogniser(tmp_path / "stuck" / "model.keras"))
    usual = np.linalg.norm(released, axis=0).mean()
    assert np.linalg.norm(found[:, 2]) == pytest.approx(usual, rel=1e-3)
    np.testing.assert_allclose(found[:, :2], released, atol=1e-6)
    assert facts["adapted"]["after"]["own"] is None, "nothing was held back to measure on"
    assert facts["adapted"]["after"]["synthetic"] is not None


def hungry(few, folder, limit, *, learning=True):
    """Adapts a network that cannot work on more than `limit` pictures; returns its weights."""

    def build(settings):
        keras.utils.clear_session()  # Else a later network's layers have other names.
        return hungry_backbone(limit, learning=learning)(settings)

    still = dataclasses.replace(SMALL, weights="starter", dropout=0.0)  # Else parts drop others.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fingerspell.model.build.build_backbone", build)
        patch.setattr("fingerspell.model.weights.starter_config", lambda _: still)
        keras.utils.set_random_seed(1)
        start = folder.with_name(f"{folder.name} start")
        starter_folder(start, build_recogniser(SMALL, 2), KNOWN)
        facts = adapt(config(folder), few, starter=start)
    return load_recogniser(folder / "model.keras").get_weights(), facts


@pytest.fixture(scope="module")
def with_room(few, tmp_path_factory):
    """(the weights, what `adapt` returned) of a network for which there is room."""
    return hungry(few, tmp_path_factory.mktemp("room") / "run", 1000)


@pytest.mark.parametrize("full", ["learning", "answering", "after a step"])
def test_where_memory_is_full_it_goes_on_with_fewer_pictures_and_learns_the_same(
    few, with_room, tmp_path, monkeypatch, capsys, full
):
    """A step after which memory was full is taken back: else its pictures would count twice."""
    whole, steps = module.Progress.advance, []

    def advance(self, count):
        steps.append(count)
        if full == "after a step" and len(steps) == 1:
            raise MemoryError
        whole(self, count)

    capsys.readouterr()
    monkeypatch.setattr(module.Progress, "advance", advance)
    limit = 1000 if full == "after a step" else 2
    found, facts = hungry(few, tmp_path / "full", limit, learning=full != "answering")
    assert capsys.readouterr().out.count("memory is full at 4 pictures at once") == 1
    assert len(steps) == 2 + (full == "after a step")
    assert facts["adapted"] == with_room[1]["adapted"]
    for want, got in zip(with_room[0], found, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)


@pytest.mark.parametrize("learning", [True, False])
def test_where_not_one_picture_fits_it_says_so(few, tmp_path, learning):
    with pytest.raises(RunError, match="memory is full at one picture at once"):
        hungry(few, tmp_path / "full", 0, learning=learning)


@pytest.mark.parametrize(
    "wrong",
    [{"steps_per_epoch": 0}, {"batch_size": 0}, {"kept_share": 0.0}, {"test_share": 1.5},
     {"synthetic_per_class": 0}, {"label_smoothing": 1.0}],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(tmp_path, wrong):
    with pytest.raises(ConfigError):
        AdaptConfig(input_dir=tmp_path, **wrong)


@pytest.fixture
def case():
    """Three known classes, read by their centres; `New` in the middle is all zero."""
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(4, 16)).astype(np.float32)
    rows = {
        label: (centre + 0.3 * rng.normal(size=(20, 16))).astype(np.float32)
        for label, centre in zip(("A", "New", "S", "Z"), centres, strict=True)
    }
    kernel = np.stack([r.mean(axis=0) for r in rows.values()], axis=1)
    bias = -0.5 * (kernel**2).sum(axis=0)
    kernel[:, 1], bias[1] = 0, bias[[0, 2, 3]].mean()  # As a released head is widened.
    return rows, kernel, bias


def test_an_imprinted_class_is_the_answer_to_its_own_pictures_and_to_few_others(case):
    """Known classes and the arrays given stay as they are."""
    rows, kernel, bias = case
    kept, known = (kernel.copy(), bias.copy()), [0, 2, 3]
    new_kernel, new_bias = imprint(kernel, bias, rows, ["New"])
    scores = {label: own @ new_kernel + new_bias for label, own in rows.items()}
    assert not ((rows["New"] @ kernel + bias).argmax(axis=1) == 1).any()
    for number, (label, least) in enumerate({"A": 0.9, "New": 0.3, "S": 0.9, "Z": 0.9}.items()):
        assert (scores[label].argmax(axis=1) == number).mean() >= least
    best = scores["New"][:, known].max(axis=1).mean()
    assert scores["New"][:, 1].mean() == pytest.approx(best, abs=1e-4)
    for before, after, given in zip(kept, (new_kernel, new_bias), (kernel, bias), strict=True):
        np.testing.assert_array_equal(after[..., known], before[..., known])
        np.testing.assert_array_equal(given, before)


def test_a_class_that_nothing_sets_apart_does_no_harm():
    rows = {label: np.ones((3, 4), np.float32) for label in ("A", "B")}
    kernel, bias = imprint(np.zeros((4, 2), np.float32), np.zeros(2, np.float32), rows, ["B"])
    assert np.isfinite(kernel).all() and np.isfinite(bias).all()
