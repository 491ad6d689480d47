"""The parity contract passes equal answers and catches every usual mistake."""

from __future__ import annotations

import numpy as np
import pytest

from fingerspell import images
from fingerspell.errors import ExportError
from fingerspell.export import Parity, compare, require_parity
from fingerspell.export.proof import _Bound, _Check, _hold, of_keras
from helpers.exports import LABELS, SIZE_PX, fitted, jpegs, recogniser


def fed(change):
    """The recogniser behind a caller that changes its pixels."""

    def answer(data):
        pixels = np.stack([images.load(one, SIZE_PX) for one in data])
        return recogniser().predict(change(pixels), verbose=0)

    return answer


def against_keras(candidate, count=40):
    return compare(of_keras(recogniser(), SIZE_PX), candidate, jpegs(count))


def refused(parity):
    with pytest.raises(ExportError) as caught:
        require_parity(parity, "candidate", least_pictures=1)
    return str(caught.value)


def test_the_answers_of_the_test_network_depend_on_the_picture():
    top = recogniser().predict(fitted(), verbose=0).argmax(axis=1)
    assert len(set(top.tolist())) == len(LABELS)


def test_the_same_path_passes():
    parity = against_keras(fed(lambda pixels: pixels))
    require_parity(parity, "candidate", least_pictures=40)
    assert parity == Parity(pictures=40, max_difference=parity.max_difference, agreement=1.0)
    assert parity.max_difference < 1e-6


def test_swapped_colour_channels_are_caught():
    refused(against_keras(fed(lambda pixels: pixels[..., ::-1])))


def test_pixels_scaled_down_twice_are_caught():
    refused(against_keras(fed(lambda pixels: pixels / 255)))


def test_pixels_that_were_not_scaled_are_caught():
    refused(against_keras(fed(lambda pixels: pixels * 255)))


def test_labels_in_another_order_are_caught():
    def shuffled(data):
        return of_keras(recogniser(), SIZE_PX)(data)[:, [1, 0, 2, 3]]

    parity = against_keras(shuffled)
    assert parity.agreement < 1
    refused(parity)


def test_a_squeezed_instead_of_padded_picture_is_caught():
    import cv2

    def squeezed(data):
        pixels = [cv2.resize(images.decode(one), SIZE_PX) for one in data]
        return recogniser().predict(np.stack(pixels).astype(np.float32) / 255, verbose=0)

    refused(against_keras(squeezed))


def test_too_few_labels_are_caught():
    parity = against_keras(lambda data: of_keras(recogniser(), SIZE_PX)(data)[:, :3])
    assert parity.agreement == 0.0
    refused(parity)


def test_answers_that_are_not_numbers_are_caught():
    parity = against_keras(lambda data: of_keras(recogniser(), SIZE_PX)(data) * np.nan)
    assert (parity.max_difference, parity.agreement) == (float("inf"), 0.0)
    refused(parity)


def test_the_refusal_says_how_far_off_and_where_to_look():
    message = refused(Parity(pictures=200, max_difference=0.25, agreement=0.5))
    assert "candidate differs from the trained model by up to 0.25" in message
    assert "50.0% of 200 pictures" in message
    assert "channel order" in message


def test_too_few_pictures_prove_nothing():
    with pytest.raises(ExportError, match="compared on 199 pictures"):
        require_parity(Parity(pictures=199, max_difference=0.0, agreement=1.0), "candidate")


def test_a_small_difference_with_another_top_class_is_caught():
    refused(Parity(pictures=200, max_difference=1e-6, agreement=0.995))


def test_an_advisory_bound_is_reported_and_a_strict_one_refuses():
    poor = Parity(pictures=200, max_difference=0.4, agreement=0.9)
    bound = _Bound(tolerance=1.0, agreement=0.97, advisory=True)
    assert not _hold(_Check(name="int8", open=lambda *_: fed(lambda x: x), bound=bound), poor)
    strict = _Bound(tolerance=1.0, agreement=0.97)
    with pytest.raises(ExportError):
        _hold(_Check(name="fp16", open=lambda *_: fed(lambda x: x), bound=strict), poor)


def test_a_large_difference_with_the_same_top_class_is_caught():
    refused(Parity(pictures=200, max_difference=2e-4, agreement=1.0))
