"""A second look, at the mirrored picture."""

import keras
import numpy as np
import pytest

from fingerspell.config import ModelConfig
from fingerspell.model import (
    at_size,
    build_recogniser,
    fold_temperature,
    head_of,
    load_recogniser,
    look_twice,
    looks_twice,
    rebuild_in_float32,
    save_recogniser,
)
from fingerspell.model.parts import feature_network
from helpers.exports import SIZE_PX, fitted, recogniser

X = fitted(5)
MIRRORED = X[:, :, ::-1]


@pytest.fixture(scope="module")
def twice() -> keras.Model:
    return look_twice(recogniser())


def answers(model: keras.Model, pictures: np.ndarray) -> np.ndarray:
    return np.asarray(model(pictures, training=False))


def test_a_picture_and_its_mirror_image_have_one_answer(twice):
    once = recogniser()
    assert np.abs(answers(once, X) - answers(once, MIRRORED)).max() > 0.01
    np.testing.assert_allclose(answers(twice, X), answers(twice, MIRRORED), atol=1e-6)


def test_the_answer_is_that_of_the_mean_features_of_each_picture(twice):
    front, head = feature_network(recogniser()), head_of(recogniser())
    mean = (answers(front, X) + answers(front, MIRRORED)) / 2
    np.testing.assert_allclose(answers(twice, X), answers(head, mean), atol=1e-5)
    for number in range(len(X)):
        alone = answers(twice, X[number : number + 1])
        np.testing.assert_allclose(alone[0], answers(twice, X)[number], atol=1e-5)


def test_it_shares_its_parts_so_that_what_is_learnt_later_counts(twice):
    before = answers(twice, X)
    kept = head_of(recogniser()).get_weights()
    try:
        fold_temperature(recogniser(), 4.0)
        assert np.abs(answers(twice, X) - before).max() > 0.05
    finally:
        head_of(recogniser()).set_weights(kept)


def test_two_looks_are_enough(twice):
    assert look_twice(twice) is twice
    assert looks_twice(twice) and not looks_twice(recogniser())


def test_it_is_saved_and_built_anew_as_one_that_looks_twice(twice, tmp_path):
    save_recogniser(twice, tmp_path / "model.keras")
    loaded = load_recogniser(tmp_path / "model.keras")
    for again in (loaded, rebuild_in_float32(twice), rebuild_in_float32(loaded)):
        assert looks_twice(again)
        np.testing.assert_allclose(answers(again, X), answers(twice, X), atol=1e-6)


def test_a_copy_to_learn_at_another_size_looks_once(twice):
    assert not looks_twice(at_size(twice, (32, 32)))


def test_where_it_computes_in_half_precision_it_answers_in_float32():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        config = ModelConfig(backbone="MobileNetV3Small", image_size_px=SIZE_PX)
        mixed = look_twice(build_recogniser(config, 4))
    finally:
        keras.config.set_dtype_policy(policy)
    assert answers(mixed, X).dtype == np.float32
    plain = rebuild_in_float32(mixed)
    assert looks_twice(plain) and plain.compute_dtype == "float32"
