import keras
import numpy as np

from fingerspell.config import ModelConfig
from fingerspell.model import backbone_of, build_recogniser, head_of
from fingerspell.model.build import feature_network
from helpers.small_run import SMALL


def pictures(count: int = 3) -> np.ndarray:
    return np.random.default_rng(0).random((count, 32, 32, 3), np.float32)


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
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)


def test_features_and_head_together_are_the_whole_network(small):
    apart = head_of(small)(feature_network(small)(pictures()))
    np.testing.assert_allclose(apart, small(pictures()), atol=1e-6)


def test_the_default_network_has_the_size_that_gives_a_12_mb_file():
    model = build_recogniser(ModelConfig(weights="none"), 29)
    assert model.input_shape == (None, 200, 200, 3)
    assert 10e6 < 4 * model.count_params() < 15e6


def test_a_half_precision_network_still_answers_in_float32():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = build_recogniser(SMALL, 3)
    finally:
        keras.config.set_dtype_policy(policy)
    assert backbone_of(model).compute_dtype == "float16"
    assert model(pictures()).numpy().dtype == np.float32
