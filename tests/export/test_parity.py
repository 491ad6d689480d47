"""The parity contract passes equal answers and catches every usual mistake."""

from contextlib import nullcontext

import numpy as np
import pytest

from fingerspell import images
from fingerspell.errors import ExportError
from fingerspell.export import Parity, compare, require_parity
from fingerspell.export.parity import difference
from fingerspell.export.proof import _Bound, _Check, _hold, of_keras
from helpers.exports import LABELS, SIZE_PX, fitted, jpegs, tiny_recogniser


def fed(change):
    """The recogniser behind a caller that changes its pixels."""

    def answer(data):
        pixels = np.stack([images.load(one, SIZE_PX) for one in data])
        return tiny_recogniser().predict(change(pixels), verbose=0)

    return answer


def against_keras(candidate, count=40):
    return compare(of_keras(tiny_recogniser(), SIZE_PX), candidate, jpegs(count))


def refused(parity):
    with pytest.raises(ExportError) as caught:
        require_parity(parity, "candidate")
    return str(caught.value)


def test_the_same_path_passes():
    top = tiny_recogniser().predict(fitted(), verbose=0).argmax(axis=1)
    assert len(set(top.tolist())) == len(LABELS), "its answers depend on the picture"
    parity = against_keras(fed(lambda pixels: pixels))
    require_parity(parity, "candidate")
    assert parity == Parity(pictures=40, max_difference=parity.max_difference, agreement=1.0)
    assert parity.max_difference < 1e-6


PIXELS = {
    "swapped colour channels": lambda pixels: pixels[..., ::-1],
    "scaled down twice": lambda pixels: pixels / 255,
    "not scaled": lambda pixels: pixels * 255,
}


@pytest.mark.parametrize("mistake", PIXELS)
def test_pixels_that_a_caller_made_otherwise_are_caught(mistake):
    refused(against_keras(fed(PIXELS[mistake])))


def test_a_squeezed_instead_of_padded_picture_is_caught():
    import cv2

    def squeezed(data):
        pixels = [cv2.resize(images.decode(one), SIZE_PX) for one in data]
        return tiny_recogniser().predict(np.stack(pixels).astype(np.float32) / 255, verbose=0)

    refused(against_keras(squeezed))


ANSWERS = {
    "labels in another order": (lambda rows: rows[:, [1, 0, 2, 3]], 0.99),
    "too few labels": (lambda rows: rows[:, :3], 0.0),
    "not numbers": (lambda rows: rows * np.nan, 0.0),
}


@pytest.mark.parametrize("mistake", ANSWERS)
def test_answers_that_are_not_the_networks_are_caught(mistake):
    change, most = ANSWERS[mistake]
    parity = against_keras(lambda data: change(of_keras(tiny_recogniser(), SIZE_PX)(data)))
    assert parity.agreement <= most
    assert parity.max_difference == (float("inf") if most == 0 else parity.max_difference)
    refused(parity)


def test_the_worst_picture_is_one_of_another_class_before_one_that_is_further_off():
    expected = np.float32([[0.9, 0.1], [0.55, 0.45], [0.52, 0.48]])
    found = np.float32([[0.6, 0.4], [0.4, 0.6], [0.49, 0.51]])
    assert difference(expected, found).worst == 1
    assert difference(expected, expected + np.float32([[0], [0.1], [np.nan]])).worst == 2
    assert difference(expected, found[:, :1]).worst is None


def test_the_refusal_says_how_far_off_and_where_to_look():
    message = refused(Parity(pictures=200, max_difference=0.25, agreement=0.5))
    assert "candidate differs from the trained model by up to 0.25" in message
    assert "50.0% of 200 pictures" in message
    assert "channel order" in message


@pytest.mark.parametrize(
    ("pictures", "max_difference", "agreement", "said"),
    [
        (200, 1e-6, 0.995, "99.5%"),
        (200, 2e-4, 1.0, "0.0002"),
    ],
)
def test_each_bound_alone_refuses(pictures, max_difference, agreement, said):
    found = Parity(pictures=pictures, max_difference=max_difference, agreement=agreement)
    with pytest.raises(ExportError, match=said):
        require_parity(found, "candidate")


@pytest.mark.parametrize(
    ("pictures", "others", "held"),
    [(40, 1, True), (40, 2, False), (300, 3, True), (300, 4, False), (1, 1, False), (1, 0, True)],
)
def test_one_of_few_pictures_costs_no_export_that_may_answer_otherwise(pictures, others, held):
    found = Parity(pictures=pictures, max_difference=0.1, agreement=1 - others / pictures)
    with nullcontext() if held else pytest.raises(ExportError):
        require_parity(found, "fp16", 1.0, 0.99)


def test_an_undecided_answer_may_fall_to_either_class_and_a_decided_one_may_not():
    """A network that hardly learnt, at half precision: 5 near ties of 40 are no fault."""
    expected = np.tile(np.float32([[0.345, 0.340, 0.315]]), (40, 1))
    found = expected.copy()
    found[:5, [0, 1]] = found[:5, [1, 0]]
    near = difference(expected, found)
    assert (near.agreement, near.near_ties) == (0.875, 5)
    require_parity(near, "fp16", 1.0, 0.99)
    found[:2] = [0.3, 0.3, 0.4]
    with pytest.raises(ExportError):
        require_parity(difference(expected, found), "fp16", 1.0, 0.99)
    refused(near)  # A file of full precision is held to the distance.


def test_an_advisory_bound_is_reported_and_a_strict_one_refuses():
    poor = Parity(pictures=200, max_difference=0.4, agreement=0.9)
    bound = _Bound(tolerance=1.0, agreement=0.97, advisory=True)
    assert not _hold(_Check(name="int8", open=lambda *_: fed(lambda x: x), bound=bound), poor)
    strict = _Bound(tolerance=1.0, agreement=0.97)
    with pytest.raises(ExportError):
        _hold(_Check(name="fp16", open=lambda *_: fed(lambda x: x), bound=strict), poor)
