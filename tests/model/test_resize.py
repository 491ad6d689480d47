import keras
import numpy as np
import pytest

from fingerspell.config import ModelConfig
from fingerspell.model import at_size, backbone_of, build_recogniser, carry, unfreeze
from fingerspell.model.build import size_of
from helpers.plain_steps import one_step

SMALL_PX, LARGE_PX = (32, 32), (50, 50)
"""Their sides are even and odd at different stages, so that their padding differs."""


def network(size_px: tuple[int, int], seed: int = 1) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return build_recogniser(ModelConfig(backbone="MobileNetV3Small", image_size_px=size_px), 3)


@pytest.fixture(scope="module")
def large():
    return network(LARGE_PX)


def pictures(size_px, count=2):
    return np.random.default_rng(3).random((count, *size_px, 3), np.float32)


def padding(model):
    layers = backbone_of(model).layers
    return [x.padding for x in layers if isinstance(x, keras.layers.ZeroPadding2D)]


def test_a_network_of_its_own_size_is_the_network_itself(large):
    assert at_size(large, LARGE_PX) is large


def test_another_size_pads_like_a_network_built_for_it(large):
    small = at_size(large, SMALL_PX)
    assert size_of(small) == SMALL_PX
    assert padding(small) == padding(network(SMALL_PX)) != padding(large)


def test_what_was_learnt_small_is_what_a_fresh_large_network_with_these_weights_answers(large):
    small = at_size(large, SMALL_PX)
    unfreeze(small, "all", 0.9)
    one_step(small, pictures(SMALL_PX, 3), np.eye(3))
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


def test_a_layer_is_found_by_the_name_that_it_has_in_the_whole_network(large):
    names = [layer.name for layer in backbone_of(large).layers]
    assert [layer.name for layer in backbone_of(at_size(large, SMALL_PX)).layers] == names


def test_frozen_statistics_stay_still_at_another_size(large):
    small = at_size(large, SMALL_PX)
    unfreeze(small, "all", None)
    layers = backbone_of(small).layers
    normal = [x for x in layers if isinstance(x, keras.layers.BatchNormalization)]
    before = [np.asarray(v) for layer in normal for v in layer.variables]
    one_step(small, pictures(SMALL_PX, 3), np.eye(3))
    after = [np.asarray(v) for layer in normal for v in layer.variables]
    assert all(np.array_equal(a, b) for a, b in zip(after, before, strict=True))


def test_the_precision_of_the_run_is_that_of_the_small_network_too(large):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        small = at_size(large, SMALL_PX)
    finally:
        keras.config.set_dtype_policy(policy)
    assert backbone_of(small).get_layer("conv").compute_dtype == "float16"
    assert small.compute_dtype == "float16"
    assert small(pictures(SMALL_PX)).dtype == "float32"
