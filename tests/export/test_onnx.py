"""`model.onnx` answers any number of pictures in ONNX Runtime, or its absence is said."""

import shutil

import numpy as np
import pytest

from fingerspell.cli.main import main
from fingerspell.export import bundle, onnx
from fingerspell.export.verify import verify
from helpers.exports import LABELS, fitted, tiny_recogniser


@pytest.mark.parametrize("count", [1, 5])
def test_it_answers_any_number_of_pictures_as_keras_does(exported, count):
    answers = onnx.open_answers(exported.folder / "model.onnx")(fitted()[:count])
    expected = tiny_recogniser().predict(fitted()[:count], verbose=0)
    np.testing.assert_allclose(answers, expected, atol=1e-4)


def test_its_labels_are_inside_and_its_parity_is_in_the_report(exported):
    assert onnx.read_labels(exported.folder / "model.onnx") == LABELS
    assert exported.report["exports"]["onnx"]["max_difference"] < 1e-4


@pytest.fixture
def missing(monkeypatch):
    """Hides packages from everyone who looks for them."""

    def hide(*names):
        monkeypatch.setattr(onnx, "find_spec", lambda name: None if name in names else object())

    return hide


@pytest.mark.parametrize("name", ["tf2onnx", "onnxruntime"])
def test_asked_for_without_its_packages_it_is_refused_with_the_command(
    missing, name, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    missing(name)
    assert main(["export", "--onnx"]) == 2
    said = capsys.readouterr().err
    assert "model.onnx cannot be written" in said and "tf2onnx==1.17.*" in said
    assert list(tmp_path.iterdir()) == []


def test_without_its_packages_an_export_says_so_and_leaves_none_of_before(
    missing, exported, contract, tmp_path, monkeypatch, capsys
):
    missing("tf2onnx")
    for name in ("write_saved_model", "write_frozen_graph"):
        monkeypatch.setattr(bundle.graphs, name, lambda *_: None)
    monkeypatch.setattr(bundle.tflite, "convert", lambda *_: b"")
    monkeypatch.setattr(bundle, "convert_int8", lambda *_: bundle.tflite._Int8(
        content=b"", inside="weights", full_agreement=None))  # fmt: skip
    monkeypatch.setattr(bundle.features, "with_features", lambda content: content)
    monkeypatch.setattr(bundle, "with_metadata", lambda content, _: content)
    aside, output = tmp_path / "aside", tmp_path / "output"
    aside.mkdir()
    shutil.copytree(exported.folder, output)
    bundle._write_exports(tiny_recogniser(), contract, aside, [], fitted(1))
    assert "leaving out model.onnx; to have it: " in capsys.readouterr().out
    bundle._move_into_place(aside, output)
    assert not (output / "model.onnx").exists()


def test_verifying_without_onnx_runtime_says_what_was_not_run(missing, exported):
    assert "onnx" in " ".join(verify(exported.folder).notes)
    missing("onnxruntime")
    assert "model.onnx was not run, onnxruntime is missing" in verify(exported.folder).notes[0]
