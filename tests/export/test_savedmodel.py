"""The SavedModel takes pixels and JPEG bytes."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.exports import fitted, jpegs, tiny_recogniser


@pytest.fixture(scope="module")
def loaded(exported):
    import tensorflow as tf

    return tf.saved_model.load(str(exported.folder / "saved_model"))


@pytest.fixture(scope="module")
def expected():
    return tiny_recogniser().predict(fitted()[:5], verbose=0)


def test_serving_default_takes_a_batch_of_pixels(loaded, expected):
    import tensorflow as tf

    answer = loaded.signatures["serving_default"](image=tf.constant(fitted()[:5]))
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-4)


def test_the_loaded_object_can_be_called(loaded, expected):
    np.testing.assert_allclose(loaded(fitted()[:5]), expected, atol=1e-4)


def test_jpeg_takes_a_batch_of_bytes_of_mixed_sizes(loaded, expected):
    import tensorflow as tf

    answer = loaded.signatures["jpeg"](jpeg=tf.constant(jpegs()[:5]))
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-4)


def test_jpeg_takes_one_picture(loaded, expected):
    import tensorflow as tf

    answer = loaded.signatures["jpeg"](jpeg=tf.constant(jpegs()[0]))["probabilities"]
    np.testing.assert_allclose(answer, expected[:1], atol=1e-4)
