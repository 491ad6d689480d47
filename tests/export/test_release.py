"""A finished run becomes the released recogniser."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from fingerspell.errors import BundleError, ExportError, RunError
from fingerspell.export import export_bundle, golden, proof, tflite
from fingerspell.export import release as module
from fingerspell.export.bundle import export_released
from fingerspell.export.metadata import read_metadata
from fingerspell.export.release import release
from fingerspell.export.verify import verify
from fingerspell.model import hand_crop, save_recogniser, single_view, with_hand_crop
from fingerspell.model.weights import built_as
from fingerspell.runtime import MODEL_FILES, Recogniser
from fingerspell.runtime.contract import read_contract
from helpers.exports import (
    BUILD,
    HEAVY,
    LABELS,
    SIZE_PX,
    fitted,
    jpegs,
    named,
    somewhere,
    tiny_recogniser,
    too_new,
)

FILES = {
    "golden", "model_card.md", "model_fp16.tflite", "recogniser.json", "starter_weights.npz",
    "training_set_labels.txt",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def tiny():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BUILD, HEAVY)
        yield


@pytest.fixture(scope="module")
def finished(exported, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "run"
    shutil.copytree(exported.folder, folder)
    save_recogniser(tiny_recogniser(), folder / "model.keras")
    (folder / "model_card.md").write_text("# Card\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def released(finished, tmp_path_factory):
    target = tmp_path_factory.mktemp("released") / "starter"
    return target, release(finished, target, fitted())


LARGER_PX = (80, 80)
"""What the network of two views takes; its backbone sees `SIZE_PX`."""


def larger(count=200):
    return fitted(count, LARGER_PX)


def older_release(folder):
    """Of which nothing but its card is left."""
    (folder / "starter").mkdir()
    (folder / "starter" / "model_card.md").write_text("old", encoding="utf-8")
    return folder / "starter"


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.*"))
        if path.name not in golden.pictures()
    }


def test_it_holds_one_model_the_weights_and_a_contract_that_lists_what_was_proven(released):
    target, proof = released
    assert {path.name for path in target.iterdir()} == FILES
    assert proof["bytes"]["starter_weights.npz"] == (target / "starter_weights.npz").stat().st_size
    assert proof["features_off"] < 0.01
    assert min(proof["agreement"].values()) >= 0.99
    proven = digests(target)
    for paper in ("recogniser.json", "model_card.md"):
        proven.pop(paper)
    body = json.loads((target / "recogniser.json").read_text(encoding="utf-8"))
    assert body["files"] == proven
    assert list(body["least_runtime"]) == ["model_fp16.tflite"]


def test_it_answers_as_the_run(released, finished):
    target, _ = released
    ours, theirs = Recogniser.load(finished, precision="fp16"), Recogniser.load(target)
    np.testing.assert_array_equal(ours.probabilities(fitted(4)), theirs.probabilities(fitted(4)))
    assert theirs.labels == LABELS == read_metadata(target / "model_fp16.tflite")[0]


def test_the_same_run_gives_the_same_bytes_over_an_earlier_release(released, finished, tmp_path):
    target = older_release(tmp_path)
    release(finished, target, fitted())
    assert digests(target) == digests(released[0])
    assert [path.name for path in tmp_path.iterdir()] == ["starter"]


def test_another_card_may_be_named(finished, tmp_path):
    card = tmp_path / "card.md"
    card.write_text("# Sources and licences\n", encoding="utf-8")
    release(finished, tmp_path / "starter", fitted(), card)
    assert (tmp_path / "starter" / "model_card.md").read_bytes() == card.read_bytes()


def refused(finished, tmp_path, error, match, pictures=200, card=None):
    """Releases over an older release, which must stay."""
    target = older_release(tmp_path)
    with pytest.raises(error, match=match):
        release(finished, target, fitted()[:pictures], card)
    assert [path.name for path in tmp_path.iterdir() if path.name != "run"] == ["starter"]
    assert [path.name for path in target.iterdir()] == ["model_card.md"]


@pytest.fixture
def copied(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.mark.parametrize("limit", ["_MOST_MODEL_BYTES", "_MOST_WEIGHTS_BYTES"])
def test_a_file_that_is_too_large_is_refused(finished, tmp_path, monkeypatch, limit):
    monkeypatch.setattr(module, limit, 1000)
    refused(finished, tmp_path, ExportError, "at most 1,000")


def test_a_folder_with_anything_else_in_it_is_left_alone(finished, tmp_path):
    target = tmp_path / "mine"
    target.mkdir()
    (target / "thesis.txt").write_text("years", encoding="utf-8")
    with pytest.raises(ExportError, match=r"mine holds thesis\.txt"):
        release(finished, target, fitted())
    assert (target / "thesis.txt").read_text(encoding="utf-8") == "years"


def test_too_few_pictures_prove_nothing_and_without_a_card_nothing_is_released(finished, tmp_path):
    refused(finished, tmp_path, ExportError, "of 199 pictures", 199)
    shutil.rmtree(tmp_path / "starter")
    refused(finished, tmp_path, RunError, "no model card", card=tmp_path / "none.md")


def test_a_model_that_is_not_the_runs_is_refused(copied, tmp_path):
    (copied / "model_fp16.tflite").write_bytes(b"another")
    refused(copied, tmp_path, BundleError, "SHA-256")


def test_weights_of_another_training_are_refused(copied, tmp_path):
    other = tiny_recogniser()
    kept = other.get_weights()
    other.set_weights([*kept[:-2], -kept[-2], -kept[-1]])
    save_recogniser(other, copied / "model.keras")
    other.set_weights(kept)
    refused(copied, tmp_path, ExportError, "names the trained network's class on")


@pytest.fixture(scope="module")
def two_views(contract, tmp_path_factory):
    """(a finished run whose network sees two views, what it released, the proof, the network)."""
    base = tmp_path_factory.mktemp("twice")
    model = with_hand_crop(tiny_recogniser(), somewhere(tiny=True, sure=30.0), LARGER_PX)
    sides = dict(zip(("height_px", "width_px"), LARGER_PX, strict=True))
    contract = replace(contract, **sides, origin=built_as(model))
    report = export_bundle(model, contract, base / "run", named(), list(larger(30)))
    save_recogniser(model, base / "run" / "model.keras")
    (base / "run" / "model_card.md").write_text("# Card\n", encoding="utf-8")
    release(base / "run", base / "starter", larger())
    return base, report, model


def test_every_file_of_a_network_that_looks_twice_takes_both_looks(two_views):
    base, report, model = two_views
    assert too_new(base / "run") == []
    least = {name: 0.9 if name == "tflite int8" else 0.97 for name in report["exports"]}
    assert [x for x, found in report["exports"].items() if found["agreement"] < least[x]] == []
    once, twice = (x.predict(larger(40), verbose=0) for x in (single_view(model), model))
    assert np.abs(once - twice).max() > 0.05
    for folder, precision, own, other in (
        (base / "run", "float32", twice, once),
        (base / "starter", "fp16", twice, once),
        (base / "run", "fast", once, twice),
    ):
        read = Recogniser.load(folder, precision=precision).probabilities(larger(40))
        assert np.abs(read - own).mean() < 0.1 * np.abs(own - other).mean()


def test_the_release_is_exported_whole_and_answers_as_released(two_views, tmp_path, monkeypatch):
    monkeypatch.setattr("fingerspell.export.parity.LEAST_PICTURES", 8)
    starter, bundle = two_views[0] / "starter", tmp_path / "bundle"
    report = export_released(bundle, starter)
    assert report["pictures"] == report["synthetic_pictures"] == 8 and report["warnings"] == []
    assert report["int8"] == {"inside": "weights", "full_int8_agreement": None}
    run = {path.name for path in (two_views[0] / "run").iterdir()}
    assert {path.name for path in bundle.iterdir()} == run - {"model.keras"}
    ours, theirs = (Recogniser.load(x, precision="fp16") for x in (bundle, starter))
    assert (ours.labels, ours.threshold) == (theirs.labels, theirs.threshold)
    near = np.abs(ours.probabilities(larger(20)) - theirs.probabilities(larger(20)))
    assert near.max() < 0.02, "one view alone is off by more than 0.05"
    assert verify(bundle).rows == ()


def test_every_model_takes_one_picture_and_has_one_output_and_one_subgraph(two_views):
    """MediaPipe takes no other file, and LiteRT.js no batch of any size."""
    for path in (two_views[0] / "run").glob("*.tflite"):
        interpreter = Interpreter(model_path=str(path))
        (given,), (_,) = interpreter.get_input_details(), interpreter.get_output_details()
        assert given["shape_signature"].tolist() == [1, *LARGER_PX, 3]
        assert interpreter.num_subgraphs() == 1


def test_the_fast_file_is_listed_and_proven_and_says_that_it_has_a_single_view(two_views):
    run = two_views[0] / "run"
    known = {c.name for c in proof._CHECKS}
    assert {"tflite fast"} == two_views[1]["exports"].keys() - known - {"onnx"}
    assert (
        read_contract(run).files[tflite.FAST]
        == hashlib.sha256((run / tflite.FAST).read_bytes()).hexdigest()
    )
    assert read_metadata(run / tflite.FAST)[1].origin == {
        "views": "single",
        "network_px": max(SIZE_PX),
    }
    assert MODEL_FILES == {**tflite.FILES, "fast": tflite.FAST}


def test_watching_gives_the_same_answers_and_the_hands_that_are_seen(two_views):
    base, _, model = two_views
    cells = keras.Model(model.input, model.get_layer(hand_crop.HAND_CELLS).output)
    expected = np.hstack(hand_crop.hand_of(cells.predict(larger(20), verbose=0)))
    assert np.ptp(expected, axis=0).min() > 0.05
    watching = Recogniser.load(base / "run")
    found = [watching._network.watch(picture[None]) for picture in larger(20)]
    np.testing.assert_array_equal([row for row, _ in found], watching.probabilities(larger(20)))
    np.testing.assert_allclose([square for _, square in found], expected, atol=1e-4)
    assert Recogniser.load(base / "run", precision="fast").watch(jpegs()[0])[1] is None


def test_a_second_look_costs_no_room(two_views, exported):
    for name in ("model.tflite", "model_fp16.tflite", "trained_model_graph.pb"):
        one, two = ((x / name).stat().st_size for x in (exported.folder, two_views[0] / "run"))
        assert two < 1.02 * one + 300_000  # Its steps are written down, its weights only once.


def test_weights_that_forget_the_second_look_are_refused(two_views, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(two_views[0] / "run", run)
    body = json.loads((run / "recogniser.json").read_text(encoding="utf-8"))
    body["origin"]["views"] = "single"
    (run / "recogniser.json").write_text(json.dumps(body), encoding="utf-8")
    with pytest.raises(ExportError, match="weights"):
        release(run, tmp_path / "starter", larger())
