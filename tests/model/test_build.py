"""The network as it is built, frozen, saved, and copied at another picture size."""

import keras
import numpy as np
import pytest

from fingerspell.config import ModelConfig
from fingerspell.errors import ConfigError, ModelError
from fingerspell.model import backbone_of, build_recogniser, freeze_all, head_of, unfreeze
from fingerspell.model.build import feature_network, fold_temperature, size_of
from fingerspell.model.saved import (
    at_size,
    carry,
    load_recogniser,
    rebuild_in_float32,
    save_recogniser,
)
from helpers.plain_steps import one_step
from helpers.small_run import SMALL

SMALL_PX, LARGE_PX = (32, 32), (50, 50)
"""Their sides are even and odd at different stages, so that their padding differs."""


def pictures(size_px=SMALL_PX, count=3) -> np.ndarray:
    return np.random.default_rng(0).random((count, *size_px, 3), np.float32)


def test_pictures_from_0_to_1_reach_the_backbone_as_keras_itself_would_feed_it(small):
    """The published recipe scaled twice: its frozen network saw one flat grey."""
    keras_own = keras.applications.MobileNetV3Small(
        include_top=False,
        weights=None,
        include_preprocessing=True,  # Takes 0–255 and rescales by itself.
        input_shape=(32, 32, 3),
        pooling="avg",
    )
    awake = [w * 4 if w.ndim == 4 else w for w in backbone_of(small).get_weights()]
    backbone_of(small).set_weights(awake)  # Fresh kernels are so small that nothing shows.
    keras_own.set_weights(awake)
    ours = feature_network(small)(pictures()).numpy()
    theirs = keras_own(pictures() * 255, training=False).numpy()
    assert np.std(theirs, axis=0).max() > 0.1, "the pictures look alike: nothing is compared"
    assert np.abs(ours - theirs).max() < 0.01 * np.std(theirs)


def test_answers_are_probabilities_over_all_classes(small):
    answers = small(pictures()).numpy()
    assert answers.shape == (3, 3)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)
    apart = head_of(small)(feature_network(small)(pictures()))
    np.testing.assert_allclose(apart, answers, atol=1e-6)


def test_the_default_network_has_the_size_that_gives_a_12_mb_file():
    model = build_recogniser(ModelConfig(weights="none"), 29)
    assert model.input_shape == (None, 200, 200, 3)
    assert 10e6 < 4 * model.count_params() < 15e6


def test_a_half_precision_network_still_answers_in_float32(half_precision):
    model = build_recogniser(SMALL, 3)
    assert backbone_of(model).compute_dtype == "float16"
    assert model(pictures()).numpy().dtype == np.float32


def norms(model):
    layers = backbone_of(model).layers
    return [x for x in layers if isinstance(x, keras.layers.BatchNormalization)]


def statistics_move(model) -> bool:
    """Takes one of Keras's steps on bright pictures; says whether any moving mean changed."""
    before = [norm.moving_mean.numpy().copy() for norm in norms(model)]
    x = np.full((4, 32, 32, 3), 0.9, np.float32)
    one_step(model, x, np.eye(3, dtype=np.float32)[[0, 1, 2, 0]])
    after = [norm.moving_mean.numpy() for norm in norms(model)]
    return any(not np.array_equal(b, a) for b, a in zip(before, after, strict=True))


def test_a_frozen_backbone_keeps_weights_and_statistics(small):
    freeze_all(small)
    before = [w.copy() for w in backbone_of(small).get_weights()]
    assert not statistics_move(small)
    for old, new in zip(before, backbone_of(small).get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_unfrozen_batch_normalization_moves_only_with_a_momentum(small):
    unfreeze(small, "all", batchnorm_momentum=None)
    assert not statistics_move(small)
    unfreeze(small, "all", batchnorm_momentum=0.9)
    assert statistics_move(small)
    assert {norm.momentum for norm in norms(small)} == {0.9}


def test_layers_before_the_named_one_stay_frozen(small):
    names = [layer.name for layer in backbone_of(small).layers]
    middle = names[len(names) // 2]
    unfreeze(small, middle, batchnorm_momentum=0.9)
    flags = [layer.trainable for layer in backbone_of(small).layers]
    assert flags == [index >= len(names) // 2 for index in range(len(names))]


def test_an_unknown_layer_is_refused_those_that_there_are_named_and_the_nearest_offered(small):
    names = [layer.name for layer in backbone_of(small).layers]
    for name, offered in (("conv_99", ""), (5, ""), (f"{names[20]}x", names[20])):
        with pytest.raises(ConfigError, match="no layer of this backbone") as told:
            unfreeze(small, name, batchnorm_momentum=None)
        assert all(x in told.value.expected for x in (f"{len(names)} layers", names[0], names[-1]))
        assert offered in told.value.fix


def network(size_px: tuple[int, int], seed: int = 1) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return build_recogniser(ModelConfig(backbone="MobileNetV3Small", image_size_px=size_px), 3)


@pytest.fixture(scope="module")
def large():
    return network(LARGE_PX)


def padding(model):
    layers = backbone_of(model).layers
    return [x.padding for x in layers if isinstance(x, keras.layers.ZeroPadding2D)]


def test_another_size_has_the_same_layers_and_pads_like_a_network_built_for_it(large):
    assert at_size(large, LARGE_PX) is large
    small = at_size(large, SMALL_PX)
    assert size_of(small) == SMALL_PX
    assert padding(small) == padding(network(SMALL_PX)) != padding(large)
    assert [x.name for x in backbone_of(small).layers] == [
        x.name for x in backbone_of(large).layers
    ]


def test_what_was_learnt_small_is_what_a_fresh_large_network_with_these_weights_answers(large):
    small = at_size(large, SMALL_PX)
    unfreeze(small, "all", 0.9)
    one_step(small, pictures(), np.eye(3))
    before = large(pictures(LARGE_PX))
    carry(small, large)
    fresh = network(LARGE_PX, seed=9)
    fresh.set_weights(small.get_weights())
    answers = np.asarray(large(pictures(LARGE_PX)))
    np.testing.assert_array_equal(answers, fresh(pictures(LARGE_PX)))
    assert np.abs(answers - before).max() > 1e-5


def test_dropouts_generators_go_along(large):
    small = at_size(network(LARGE_PX, seed=5), SMALL_PX)
    keras.utils.set_random_seed(8)
    assert len(small.variables) == len(small.weights) + 1
    carry(small, large)
    for a, b in zip(large.variables, small.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_frozen_statistics_stay_still_at_another_size(large):
    small = at_size(large, SMALL_PX)
    unfreeze(small, "all", None)
    assert not statistics_move(small)


def test_the_precision_of_the_run_is_that_of_the_small_network_too(large, half_precision):
    small = at_size(large, SMALL_PX)
    assert backbone_of(small).get_layer("conv").compute_dtype == "float16"
    assert small.compute_dtype == "float16"
    assert small(pictures()).dtype == "float32"


def test_a_saved_recogniser_answers_as_before(small, tmp_path):
    save_recogniser(small, tmp_path / "model.keras")
    np.testing.assert_array_equal(
        load_recogniser(tmp_path / "model.keras")(pictures()), small(pictures())
    )
    assert [p.name for p in tmp_path.iterdir()] == ["model.keras"]


def test_a_failed_save_leaves_the_old_file(small, tmp_path, monkeypatch):
    (tmp_path / "model.keras").write_bytes(b"old")

    def disk_full(path, **_: object) -> None:
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(small, "save", disk_full)
    with pytest.raises(OSError, match="No space"):
        save_recogniser(small, tmp_path / "model.keras")
    assert (tmp_path / "model.keras").read_bytes() == b"old"


def test_a_missing_or_damaged_model_says_what_to_do(tmp_path):
    path = tmp_path / "model.keras"
    with pytest.raises(ModelError, match="train first"):
        load_recogniser(path)
    path.write_bytes(b"no zip")
    with pytest.raises(ModelError, match="cannot be read"):
        load_recogniser(path)


def test_a_mixed_precision_model_is_rebuilt_in_float32_with_the_same_weights(half_precision):
    mixed = build_recogniser(SMALL, 3)
    plain = rebuild_in_float32(mixed)
    assert keras.config.dtype_policy().name == "mixed_float16"
    assert {x.compute_dtype for x in backbone_of(plain).layers} == {"float32"}
    for old, new in zip(mixed.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_temperature_softens_every_answer_and_changes_no_winner(small):
    logits = head_of(small).get_layer("logits")
    kernel, _ = logits.get_weights()
    logits.set_weights([kernel, np.array([1.5, -1.0, 0.0], np.float32)])  # An opinion to soften.
    before = small(pictures()).numpy()
    fold_temperature(small, 2.0)
    after = small(pictures()).numpy()
    softer = np.sqrt(before) / np.sqrt(before).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(after, softer, atol=1e-6)
