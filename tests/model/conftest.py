import keras
import pytest

from fingerspell.model import build_recogniser
from helpers.small_run import SMALL


@pytest.fixture(scope="session")
def built() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_recogniser(SMALL, 3)


@pytest.fixture
def small(built):
    """A fresh state on every use: building anew takes seconds, copying weights does not."""
    weights = built.get_weights()
    flags = [(layer, layer.trainable) for layer in built.layers]
    yield built
    for layer, trainable in flags:
        layer.trainable = trainable
    built.set_weights(weights)


@pytest.fixture
def half_precision():
    """What is built meanwhile computes in half precision."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy(policy)
