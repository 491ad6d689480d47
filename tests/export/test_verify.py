"""`fingerspell verify`: what is whole passes, what differs is named with its reason."""

import json
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from fingerspell.assets import STARTER
from fingerspell.cli.main import main
from fingerspell.export import verify as module
from fingerspell.export.metadata import with_metadata
from fingerspell.model import save_recogniser
from helpers.exports import BUILD, HEAVY, LABELS, jpegs, tiny_recogniser

LABELS_FILE = "training_set_labels.txt"


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setattr(BUILD, HEAVY)


@pytest.fixture
def bundle(exported, tmp_path):
    return Path(shutil.copytree(exported.folder, tmp_path / "bundle"))


@pytest.fixture
def said(capsys):
    """Runs the command and returns its exit code and all that it said."""

    def call(*words):
        code = main(["verify", *map(str, words)])
        streams = capsys.readouterr()
        return code, streams.out + streams.err

    return call


def put(bundle, name, content):
    """Changes a file and what the contract says of it."""
    (bundle / name).write_bytes(content)
    contract = json.loads((bundle / "recogniser.json").read_text(encoding="utf-8"))
    contract["files"][name] = sha256(content).hexdigest()
    (bundle / "recogniser.json").write_text(json.dumps(contract), encoding="utf-8")


def without(bundle, name):
    contract = json.loads((bundle / "recogniser.json").read_text(encoding="utf-8"))
    contract["files"].pop(name)
    (bundle / "recogniser.json").write_text(json.dumps(contract), encoding="utf-8")


def test_a_whole_bundle_passes_also_against_its_network_and_on_other_pictures(
    said, exported, tmp_path
):
    save_recogniser(tiny_recogniser(), tmp_path / "model.keras")
    for number, label in enumerate(LABELS * 2):
        (tmp_path / "data" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / label / f"{number}.jpg").write_bytes(jpegs()[number])
    (tmp_path / "data" / "Q").mkdir()
    (tmp_path / "data" / "Q" / "0.jpg").write_bytes(jpegs()[0])
    code, out = said(
        exported.folder, "--against", tmp_path / "model.keras", "--data",
        tmp_path / "data",
    )  # fmt: skip
    assert code == 0, out
    for precision in ("float32", "fp16", "int8"):
        assert f"{precision:<8} same class on" in out
    assert "of 64 pictures" in out and "of 8 pictures" in out and "points lost" in out
    assert "not compared: {'Q': 1}" in out


def test_the_released_recogniser_passes_and_a_bundle_of_before_says_what_it_lacks(said, bundle):
    assert said(STARTER)[0] == 0
    shutil.rmtree(bundle / "golden")
    without(bundle, "golden/golden.json")
    code, out = said(bundle)
    assert code == 0 and "no golden answers: the bundle is of an earlier version" in out


DAMAGES = {
    "a changed byte": (
        lambda b: put_byte(b / "model_fp16.tflite"), "model_fp16.tflite has changed"),
    "a missing file": (lambda b: (b / "parity.json").unlink(), "parity.json is missing"),
    "no golden folder": (lambda b: shutil.rmtree(b / "golden"), "golden/golden.json is missing"),
    "a changed golden picture": (
        lambda b: put_byte(b / "golden" / "A_whole.jpg"), "A_whole.jpg has changed"),
    "a byte order mark": (
        lambda b: edit(b / LABELS_FILE, lambda x: b"\xef\xbb\xbf" + x), "has a byte order mark"),
    "line ends": (
        lambda b: edit(b / LABELS_FILE, lambda x: x.replace(b"\n", b"\r\n")), "Windows line ends"),
    "a missing label": (lambda b: edit(b / LABELS_FILE, lambda x: x[2:]), "has no label A"),
    "a label more": (
        lambda b: edit(b / LABELS_FILE, lambda x: x + b"D\n"), "D, which recogniser.json lacks"),
    "another order": (
        lambda b: edit(b / LABELS_FILE, lambda x: b"B\nA\nC\nnothing\n"), "another order"),
    "a newer format": (
        lambda b: edit(b / "recogniser.json", lambda x: x.replace(b'"format": 1', b'"format": 2')),
        "format 2; newer than this version"),
    "labels of another run": (
        lambda b: edit(b / "recogniser.json", lambda x: x.replace(b'"nothing"', b'"space"')),
        "has no label space"),
    "no model": (
        lambda b: [without(b, path.name) for path in b.glob("model*.tflite")], "lists no model"),
    "no bundle": (lambda b: (b / "recogniser.json").unlink(), "no recogniser.json"),
}  # fmt: skip


def edit(path, change):
    path.write_bytes(change(path.read_bytes()))


def put_byte(path):
    edit(path, lambda x: x[:-9] + bytes([x[-9] ^ 1]) + x[-8:])


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_not_as_exported_is_refused_with_its_reason(said, bundle, name):
    damage, reason = DAMAGES[name]
    damage(bundle)
    code, out = said(bundle)
    assert (code, reason in out) == (2, True), out
    assert "to fix:" in out


def test_labels_inside_a_file_of_another_run_are_found(said, bundle, contract):
    bare = (bundle / "model.tflite").read_bytes().split(b"PK\x03\x04")[0]
    put(bundle, "model.tflite", with_metadata(bare, replace(contract, labels=LABELS[::-1])))
    code, out = said(bundle)
    assert code == 2 and "model.tflite with the labels nothing, C, B, A" in out


def test_another_answer_is_named_with_picture_class_and_distance(said, bundle):
    golden = json.loads((bundle / "golden" / "golden.json").read_text(encoding="utf-8"))
    golden["pictures"][5]["probabilities"]["float32"][2] += 0.25
    put(bundle, "golden/golden.json", json.dumps(golden).encode())
    code, out = said(bundle)
    name = golden["pictures"][5]["file"]
    assert code == 2
    assert f"float32 on golden/{name}: the probability of C is off by 0.25" in out


def test_a_bundle_of_another_network_is_found_by_the_network(said, bundle, tmp_path):
    other = tiny_recogniser.__wrapped__()
    other.set_weights([w + np.float32(0.01) * np.abs(w).max() for w in other.get_weights()])
    save_recogniser(other, tmp_path / "other.keras")
    code, out = said(bundle, "--against", tmp_path / "other.keras")
    assert code == 2 and "float32 on golden/" in out and "is off by" in out


@pytest.mark.parametrize("value", [np.nan, 0.2])
def test_no_number_is_as_far_off_as_can_be(value):
    with pytest.raises(module.BundleError, match="probability of B"):
        module._require_near(np.array([0.1, value], np.float32), 0.05, "x", "y", ("A", "B"))
