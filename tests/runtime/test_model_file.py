"""One model outside its bundle; `recogniser` in conftest.py holds each to a bundle's answers."""

import hashlib
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fingerspell.errors import BundleError, ConfigError
from fingerspell.runtime import Recogniser, choose, open_model
from fingerspell.runtime.contract import FILE_NAME
from helpers.tiny_bundle import LABELS, LONE, SIZE_PX, contract, lone_models, picture, tiny_bundle

LABEL_FILE = "training_set_labels.txt"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The three models, which a test may spoil."""
    return lone_models(tmp_path / "models")


def with_contract(folder: Path) -> Path:
    """Writes a contract that lists every file of a folder, with a threshold of its own."""
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
    said = replace(contract(files), threshold=0.95)
    (folder / FILE_NAME).write_text(said.to_json(), encoding="utf-8")
    (folder / LABEL_FILE).unlink()
    return folder


@pytest.mark.parametrize("name", LONE)
def test_labels_beside_a_model_and_its_own_size_make_a_contract(folder: Path, name: str):
    opened = choose(folder / name, {})
    assert (opened.labels, opened.size_px, opened.threshold) == (LABELS, SIZE_PX, 0.7)
    assert opened.name == f"recogniser {name}"
    strict = choose(folder / name, {}, threshold=0.99999, labels="A-B")
    assert strict.threshold == 0.99999 and strict.allowed == ("A", "B")
    assert strict.recognise(picture("C")).label in "AB"


@pytest.mark.parametrize("name", LONE)
def test_a_contract_beside_a_model_counts_and_must_be_its_own(folder: Path, name: str):
    opened = open_model(with_contract(folder) / name)
    assert (opened.threshold, opened.name) == (0.95, f"TinyColours {name}")
    assert all(file.startswith(name) for file in opened.contract.files)
    (folder / FILE_NAME).write_text(contract({}).to_json(), encoding="utf-8")
    with pytest.raises(BundleError, match=rf"(?s){name}.*SHA-256 is not in .*{FILE_NAME}"):
        open_model(folder / name)


def test_a_saved_model_takes_what_lies_in_its_folder_and_may_be_named_by_its_file(folder: Path):
    saved = folder / "saved_model"
    (folder / LABEL_FILE).rename(saved / LABEL_FILE)
    by_file = open_model(saved / "saved_model.pb")
    assert by_file.labels == LABELS and by_file.name == "recogniser saved_model"
    with pytest.raises(BundleError, match="without its labels"):
        open_model(folder / "trained_model_graph.pb")


def test_a_tflite_file_that_holds_its_contract_needs_nothing_beside_it(tmp_path: Path):
    from fingerspell.export.metadata import with_metadata

    told = replace(contract({}), threshold=0.9)
    alone = tmp_path / "HAND.TFLITE"
    alone.write_bytes(
        with_metadata((tiny_bundle(tmp_path / "b") / "model.tflite").read_bytes(), told)
    )
    opened = choose(alone, {})
    assert (opened.labels, opened.threshold, opened.name) == (
        LABELS,
        0.9,
        "TinyColours HAND.TFLITE",
    )


def test_the_labels_of_other_trainers_are_read_as_folder_names_are(folder: Path):
    (folder / LABEL_FILE).write_text("a\nb\nc\ndelete\nblank\n_\n", encoding="utf-8")
    assert open_model(folder / "model.tflite").labels == LABELS


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (b"A\nB\nC\n", "6 outputs"),
        (b"A\nB\nC\ndel\nnothing\nA\n", "'A' more than once"),
        (b"\xff\xfe\x41", "cannot be read"),
        (None, "without its labels"),
    ],
)
@pytest.mark.parametrize("name", LONE)
def test_labels_that_cannot_be_the_models_are_refused(folder: Path, name: str, labels, said: str):
    (folder / LABEL_FILE).unlink()
    if labels is not None:
        (folder / LABEL_FILE).write_bytes(labels)
    with pytest.raises(BundleError, match=said):
        open_model(folder / name)


@pytest.mark.parametrize("name", LONE)
def test_what_is_no_model_or_is_cut_off_is_refused(folder: Path, name: str):
    path = folder / name
    file = path / "saved_model.pb" if path.is_dir() else path
    whole = file.read_bytes()
    for spoilt in (b"", b"no model", whole[: len(whole) // 2]):
        file.write_bytes(spoilt)
        with pytest.raises(BundleError, match=r"cannot use|does not load"):
            open_model(path)
    file.unlink()
    with pytest.raises(BundleError, match=r"cannot be read|no trained recogniser"):
        choose(path, {})


def graph(folder: Path, answer: str, image=(None, *SIZE_PX, 3), scale=0.0) -> Path:
    """Writes a frozen graph of six outputs, `scale` times the brightness and a sixth each."""
    import tensorflow as tf

    with tf.Graph().as_default() as made:
        put = tf.compat.v1.placeholder(tf.float32, image, name="image")
        rows = tf.reduce_mean(put, axis=[1, 2])[:, :1] * scale + tf.constant([[1 / 6 + scale] * 6])
        tf.identity(rows, name=answer)
    path = folder / "trained_model_graph.pb"
    path.write_bytes(made.as_graph_def().SerializeToString())
    return path


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"answer": "softmax"}, "final_result:0"),
        ({"answer": "final_result", "image": (None, None, None, 3)}, "fixed size"),
        ({"answer": "final_result", "image": (8, *SIZE_PX, 3)}, "one at a time"),
        ({"answer": "final_result", "image": (None, *SIZE_PX, 1)}, "height, width, 3"),
        ({"answer": "final_result", "scale": 9.0}, "no probabilities"),
        ({"answer": "final_result", "scale": float("nan")}, "no probabilities"),
    ],
)
def test_a_network_that_is_no_recogniser_is_refused(folder: Path, made, said: str):
    with pytest.raises(BundleError, match=said):
        open_model(graph(folder, **made))
    graph(folder, "final_result")
    assert open_model(folder / "trained_model_graph.pb").labels == LABELS


@pytest.mark.parametrize("name", LONE[1:])
def test_without_tensorflow_its_files_are_refused_with_the_way_out(folder, name, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda x, *p: None if x == "tensorflow" else found(x, *p)
    )
    with pytest.raises(BundleError, match="no TensorFlow") as said:
        open_model(folder / name)
    assert "pip install" in said.value.fix and "TFLite" in said.value.fix
    assert isinstance(open_model(folder / "model.tflite"), Recogniser)


def test_one_model_has_no_precisions_to_choose_from(folder: Path):
    with pytest.raises(ConfigError, match="--precision int8"):
        choose(folder / "model.tflite", {}, precision="int8")


@pytest.mark.parametrize("name", LONE)
def test_each_model_answers_as_the_bundles_tflite(folder: Path, name: str, tmp_path: Path):
    bundle, opened = Recogniser.load(tiny_bundle(tmp_path / "bundle")), open_model(folder / name)
    batch = np.random.default_rng(0).random((5, *SIZE_PX, 3), np.float32)
    np.testing.assert_allclose(opened.probabilities(batch), bundle.probabilities(batch), atol=1e-5)
