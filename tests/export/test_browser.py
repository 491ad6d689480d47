"""A runtime that is not ours: LiteRT.js in headless Chromium reads the golden set of a bundle."""

import numpy as np
import pytest

from benchmarks.browser import chromium
from fingerspell.export import golden
from helpers.exports import LABELS, SIZE_PX
from helpers.needed import need

pytestmark = pytest.mark.browser
FILES = {"float32": "model.tflite", "fp16": "model_fp16.tflite", "int8": "model_int8.tflite"}


@pytest.fixture(scope="module")
def known(true):
    """Every fifth of the golden pictures: the benchmark reads all of them."""
    return golden.read(true[0], SIZE_PX, len(LABELS))[::5]


@pytest.fixture(scope="session")  # As `true` is, which takes long: before it.
def runnable():
    need(chromium.missing())


@pytest.fixture(scope="module")
def page(runnable, true, known):
    tensors = golden.tensors([one.content for one in known], SIZE_PX)
    models = {
        precision: chromium.Model(content=(true[0] / name).read_bytes(), tensors=tensors)
        for precision, name in FILES.items()
    }
    return chromium.answers(models, {one.name: one.content for one in known}, "float32")


@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [("float32", 1e-4), ("fp16", 1e-4), ("int8", golden.TOLERANCE["int8"])],
)
def test_it_answers_the_same_tensor_as_python_does(page, known, precision, tolerance):
    expected = np.stack([one.probabilities[precision] for one in known])
    assert page["outputs"][precision] == 1
    np.testing.assert_allclose(page["answers"][precision], expected, atol=tolerance)


def test_the_pages_own_scaling_is_that_of_python_from_the_file_on(page, known):
    """PNG and JPEG, turned by EXIF, padded, shrunk and enlarged."""
    assert max(page["pixels"]["own"]) <= 1e-5
    expected = np.stack([one.probabilities["float32"] for one in known])
    np.testing.assert_allclose(page["scaled"]["own"], expected, atol=1e-3)


@pytest.mark.parametrize("way", ["canvas_low", "canvas_high"])
def test_a_canvas_scales_otherwise_which_the_same_measure_sees(page, way):
    assert max(page["pixels"][way]) > 1e-2


def test_a_page_that_fails_says_why(page):
    broken = chromium.Model(content=b"no model", tensors=np.zeros((1, *SIZE_PX, 3), np.float32))
    with pytest.raises(RuntimeError, match="the page failed"):
        chromium.answers({"broken": broken}, {})
