"""The vectors before the last layer: one output, and the last layer makes the answer of them."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from fingerspell.errors import ExportError
from fingerspell.export import features, tflite
from fingerspell.model import head_of, with_hand_crop
from fingerspell.runtime.page_model import page_model
from helpers.exports import BUILD, HEAVY, SIZE_PX, fitted, somewhere, tiny_recogniser


@pytest.fixture(params=["single", "hand_crop"])
def network(request, monkeypatch):
    monkeypatch.setattr(BUILD, HEAVY)
    model = tiny_recogniser()
    return model if request.param == "single" else with_hand_crop(model, somewhere(tiny=True))


def test_the_last_layer_makes_of_them_what_the_whole_file_answers(network):
    whole = tflite.convert(network, "fp16")
    content = features.with_features(whole)
    assert len(content) <= len(whole) + 1000
    tflite.require_builtin(content)
    runner = Interpreter(model_content=content).get_signature_runner()
    answers = tflite.probabilities(whole, fitted(5))
    views = 1 if network is tiny_recogniser() else 2
    for picture, expected in zip(fitted(5), answers, strict=True):
        vectors = runner(image=picture[None])["features"]
        assert vectors.shape == (views, 640)
        found = np.asarray(head_of(network)(vectors)).mean(0)
        np.testing.assert_allclose(found, expected, atol=2e-3)


def test_a_page_gets_answer_and_features_of_one_file_and_the_last_layer(network):
    whole = tflite.convert(network, "fp16")
    page = page_model(whole)
    crop = ["x", "y", "side"] * (network is not tiny_recogniser())
    assert list(page.outputs) == ["probabilities", *crop, "features"]
    interpreter = Interpreter(model_content=page.content)
    interpreter.allocate_tensors()
    for picture, expected in zip(fitted(3), tflite.probabilities(whole, fitted(3)), strict=True):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None])
        interpreter.invoke()
        found = [interpreter.get_tensor(x["index"]) for x in interpreter.get_output_details()]
        np.testing.assert_array_equal(found[0][0], expected)
        head = np.frombuffer(page.head, "<f4").reshape(-1, len(expected))
        logits = found[-1] @ head[:-1] + head[-1]
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares = (shares / shares.sum(axis=1, keepdims=True)).mean(0)
        np.testing.assert_allclose(shares, expected, atol=1e-5)


def test_it_is_in_the_bundle_with_one_output(exported):
    interpreter = Interpreter(str(exported.folder / features.FILE_NAME))
    (output,) = interpreter.get_output_details()
    assert output["shape"].tolist() == [1, 640]
    assert interpreter.get_input_details()[0]["shape"].tolist() == [1, *SIZE_PX, 3]


def test_a_file_without_a_last_layer_is_refused(exported):
    content = (exported.folder / features.FILE_NAME).read_bytes()
    with pytest.raises(ExportError, match="without a dense layer and a softmax"):
        features.with_features(content)
