"""A bundle is whole and proven, or not there."""

import json
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from fingerspell.assets import STARTER
from fingerspell.errors import ExportError, PictureError, RunError
from fingerspell.export import export_bundle, proof
from fingerspell.export.parity import Parity
from fingerspell.labels import read_labels
from fingerspell.runtime.contract import read_contract
from helpers.exports import (
    BUILD,
    HEAVY,
    LABELS,
    fitted,
    named,
    tiny_recogniser,
    too_new,
)

FILES = {
    "saved_model",
    "trained_model_graph.pb",
    "model.tflite",
    "model_fp16.tflite",
    "model_int8.tflite",
    "training_set_labels.txt",
    "recogniser.json",
    "parity.json",
    "golden",
    "model.onnx",
    "model_features_fp16.tflite",
}


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setattr(BUILD, HEAVY)


def test_every_file_of_the_contract_is_written_with_labels_hashes_and_the_report(exported):
    folder, contract = exported.folder, read_contract(exported.folder)
    assert {path.name for path in folder.iterdir()} == FILES
    saved = json.loads((folder / "parity.json").read_text(encoding="utf-8"))
    assert saved == json.loads(json.dumps(exported.report))
    assert read_labels(folder / "training_set_labels.txt") == contract.labels == LABELS
    digest = sha256((folder / "model.tflite").read_bytes()).hexdigest()
    assert contract.files["model.tflite"] == digest
    assert "saved_model/saved_model.pb" in contract.files
    assert set(contract.files) > FILES - {"saved_model", "recogniser.json", "golden"}


@pytest.mark.parametrize(
    "check",
    [c for c in (*proof._CHECKS, *proof.ONNX_CHECKS) if not c.bound.advisory],
    ids=lambda c: c.name,
)
def test_every_export_of_a_true_network_answers_as_keras_does(true, check):
    found = true[1]["exports"][check.name]
    assert found["pictures"] == 200
    assert found["agreement"] >= check.bound.agreement
    assert found["max_difference"] <= check.bound.tolerance


@pytest.fixture
def older(exported, tmp_path, monkeypatch):
    """A folder with an earlier export; the next leaves the slow conversions out."""
    from fingerspell.export import bundle

    def write(network, _contract, folder, _representative, _unseen):
        bundle.graphs.write_saved_model(network, folder)
        return {}

    monkeypatch.setattr(bundle, "_write_exports", write)
    monkeypatch.setattr(proof.prove, "__defaults__", (proof._CHECKS[:1],))
    return Path(shutil.copytree(exported.folder, tmp_path / "output"))


def test_a_second_export_replaces_the_first(older, contract):
    (older / "saved_model" / "stale.txt").write_text("old", encoding="utf-8")
    contract = replace(contract, threshold=0.5)
    export_bundle(tiny_recogniser(), contract, older, named(), list(fitted(20)))
    assert read_contract(older).threshold == 0.5
    assert not (older / "saved_model" / "stale.txt").exists()
    assert {path.name for path in older.iterdir()} == FILES - {"model.onnx"}, "it had none"


def test_synthetic_hands_make_up_for_few_pictures_and_are_counted(older, contract, monkeypatch):
    monkeypatch.setattr("fingerspell.export.parity.LEAST_PICTURES", 12)
    report = export_bundle(tiny_recogniser(), contract, older, named(5), list(fitted(3)))
    assert report["pictures"] == report["exports"]["saved_model serving_default"]["pictures"] == 12
    assert report["synthetic_pictures"] == 7
    (warning,) = report["warnings"]
    assert warning.startswith("5 pictures of the data set are few") and "7 synthetic" in warning
    enough = export_bundle(tiny_recogniser(), contract, older, named(12), list(fitted(3)))
    assert (enough["pictures"], enough["synthetic_pictures"], enough["warnings"]) == (12, 0, [])


def test_a_fault_that_only_synthetic_hands_show_refuses_the_export(older, contract, monkeypatch):
    """One photograph on which all is right; its neighbours are held to the same bound."""
    monkeypatch.setattr("fingerspell.export.parity.LEAST_PICTURES", 4)
    check = proof._CHECKS[0]

    def opened(folder, size_px):
        ask = check.open(folder, size_px)
        return lambda jpegs: np.concatenate([ask(jpegs)[:1], ask(jpegs)[1:, ::-1]])

    monkeypatch.setattr(proof.prove, "__defaults__", ((replace(check, open=opened),),))
    with pytest.raises(ExportError, match=r"worst: synthetic/\w+/5.jpg"):
        export_bundle(tiny_recogniser(), contract, older, named(1), list(fitted(3)))


def test_hands_to_compare_on_show_every_label_and_no_two_are_alike():
    drawn = proof.hands(("A", "hello", "B"), (32, 32), 6)
    assert [name.split("/")[1] for name in drawn] == ["A", "B"] * 3
    assert len({rgb.tobytes() for rgb in drawn.values()}) == 6
    assert list(proof.hands(("hello", "stop"), (32, 32), 1)) == ["synthetic/A/5.jpg"]


def test_a_failed_export_leaves_the_old_files(older, contract, monkeypatch):
    before = {path: path.read_bytes() for path in older.rglob("*") if path.is_file()}
    far = Parity(pictures=200, max_difference=0.5, agreement=0.1, worst=7)
    monkeypatch.setattr(proof, "difference", lambda *_: far)
    said = r"differs .*; worst: test/A/7.jpg, which .* takes for"
    for folder in (older, older.parent / "new"):
        with pytest.raises(ExportError, match=said):
            export_bundle(tiny_recogniser(), contract, folder, named(), list(fitted(20)))
    assert not (older.parent / "new").exists()
    after = {path: path.read_bytes() for path in older.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ("4 classes", {"labels": LABELS[:3]}),
        (r"expected: \(96, 64\) pixels", {"height_px": 96}),
    ],
)
def test_what_does_not_fit_is_refused(contract, tmp_path, said, changes):
    contract, out = replace(contract, **changes), tmp_path / "output"
    with pytest.raises(ExportError, match=said):
        export_bundle(tiny_recogniser(), contract, out, named(), list(fitted(20)))
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_are_no_picture_are_refused(contract, tmp_path):
    pictures = {**named(), "test/A/none.jpg": b"no picture"}
    with pytest.raises(PictureError):
        export_bundle(tiny_recogniser(), contract, tmp_path, pictures, list(fitted(20)))


def test_a_folder_that_is_a_file_is_refused(contract, tmp_path):
    (tmp_path / "output").write_text("in the way", encoding="utf-8")
    with pytest.raises(RunError, match="cannot be written"):
        export_bundle(tiny_recogniser(), contract, tmp_path / "output", named(), list(fitted(30)))


def test_another_keras_backend_is_refused(contract, tmp_path, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "torch")
    with pytest.raises(ExportError, match="KERAS_BACKEND=tensorflow"):
        export_bundle(tiny_recogniser(), contract, tmp_path, named(), list(fitted(20)))


def test_tflite_files_have_builtin_operations_of_versions_that_old_phones_run(true, exported):
    for folder in (true[0], exported.folder, STARTER):
        assert too_new(folder) == []
        said = read_contract(folder).least_runtime
        assert set(said) == {path.name for path in folder.glob("*.tflite")}
        assert set(said.values()) <= {"1.15.0", "2.3.0", "2.4.0"}
    assert read_contract(true[0]).least_runtime["model_int8.tflite"] == "2.4.0"
