import keras
import numpy as np
import pytest

from fingerspell.errors import ConfigError
from fingerspell.model import backbone_of, freeze_all, unfreeze
from helpers.plain_steps import one_step


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


def test_unfreezing_alone_does_not_wake_batch_normalization(small):
    unfreeze(small, "all", batchnorm_momentum=None)
    assert not statistics_move(small)


def test_batch_normalization_moves_when_it_is_trained(small):
    unfreeze(small, "all", batchnorm_momentum=0.9)
    assert statistics_move(small)
    assert {norm.momentum for norm in norms(small)} == {0.9}


def test_layers_before_the_named_one_stay_frozen(small):
    names = [layer.name for layer in backbone_of(small).layers]
    middle = names[len(names) // 2]
    unfreeze(small, middle, batchnorm_momentum=0.9)
    flags = [layer.trainable for layer in backbone_of(small).layers]
    assert flags == [index >= len(names) // 2 for index in range(len(names))]


@pytest.mark.parametrize("name", ["conv_99", 5])
def test_an_unknown_layer_is_refused_and_those_that_there_are_named(small, name):
    names = [layer.name for layer in backbone_of(small).layers]
    with pytest.raises(ConfigError, match="no layer of this backbone") as told:
        unfreeze(small, name, batchnorm_momentum=None)
    assert f"{len(names)} layers" in told.value.expected
    assert names[0] in told.value.expected and names[-1] in told.value.expected


def test_a_layer_that_was_nearly_right_is_offered(small):
    middle = backbone_of(small).layers[20].name
    with pytest.raises(ConfigError) as told:
        unfreeze(small, f"{middle}x", batchnorm_momentum=None)
    assert middle in told.value.fix
