"""First weights: a file, an earlier run, ImageNet, or the released recogniser (starter)."""

import dataclasses

import keras
import numpy as np
import pytest

from fingerspell.errors import ConfigError, ModelError
from fingerspell.model import (
    backbone_of,
    build_recogniser,
    head_of,
    load_first_weights,
    save_recogniser,
)
from fingerspell.model import weights as module
from fingerspell.model.weights import (
    WEIGHTS,
    _load_starter_head,
    pack,
    starter_config,
    starter_facts,
)
from helpers.small_run import SMALL
from helpers.starter_folder import starter_folder

LABELS = ("A", "B", "nothing")


def asking_for(weights) -> object:
    return dataclasses.replace(SMALL, weights=str(weights))


@pytest.mark.parametrize("name", ["some.weights.h5", "model.keras"])
def test_a_weights_file_or_an_earlier_run_fills_the_backbone(small, tmp_path, name):
    backbone = backbone_of(small)
    wanted = [w + 0.25 for w in backbone.get_weights()]
    backbone.set_weights(wanted)
    if name == "model.keras":
        save_recogniser(small, tmp_path / name)
    else:
        backbone.save_weights(tmp_path / name)
    backbone.set_weights([w * 0 for w in wanted])
    assert name in load_first_weights(small, asking_for(tmp_path / name), LABELS)
    for want, got in zip(wanted, backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(want, got)


@pytest.mark.parametrize("content", [b"", b"no weights at all", None])
def test_damaged_weights_or_those_of_another_architecture_are_refused_and_change_nothing(
    small, tmp_path, content
):
    path, before = tmp_path / "bad.weights.h5", [w.copy() for w in small.get_weights()]
    if content is None:
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save_weights(path)
    else:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.weights\.h5 does not fit MobileNetV3Small"):
        load_first_weights(small, asking_for(path), LABELS)
    assert load_first_weights(small, SMALL, LABELS) == "random initialisation"
    for old, new in zip(before, small.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("there", [True, False], ids=["released", "unreleased"])
def test_the_starter_is_offered_only_where_there_is_one(small, tmp_path, monkeypatch, there):
    def no_net(**_: object) -> None:
        raise Exception("URL fetch failure")

    starter = tmp_path / "starter"
    starter.mkdir()
    if there:
        (starter / "recogniser.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match="no such file"):
        load_first_weights(small, asking_for(tmp_path / "absent.h5"), LABELS, starter)
    monkeypatch.setattr(keras.applications, "MobileNetV3Small", no_net)
    with pytest.raises(ModelError, match="--weights none") as told:
        load_first_weights(small, asking_for("imagenet"), LABELS, starter)
    assert ("--weights starter" in told.value.fix) is there


@pytest.fixture
def released(small, tmp_path):
    """(The folder of a released network, its weights); `small` is emptied after."""
    backbone = backbone_of(small)
    backbone.set_weights([w + 0.125 for w in backbone.get_weights()])
    head_of(small).set_weights([w + 0.5 for w in head_of(small).get_weights()])
    folder = starter_folder(tmp_path / "starter", small, LABELS)
    weights = [w.copy() for w in small.get_weights()]
    small.set_weights([w * 0 for w in weights])
    return folder, weights


@pytest.fixture
def starter(released):
    return released[0]


def near(want: np.ndarray, got: np.ndarray) -> None:
    exact = want.ndim == 1
    np.testing.assert_allclose(got, want, rtol=0 if exact else 1e-3, atol=0 if exact else 1e-7)


def test_the_released_backbone_and_head_are_what_training_starts_from(small, released):
    folder, weights = released
    origin = load_first_weights(small, asking_for("starter"), LABELS, folder)
    assert "starter" in origin and "2026-01-01" in origin
    for want, got in zip(weights, small.get_weights(), strict=True):
        near(want, got)


def test_vectors_keep_single_precision_kernels_half_and_equal_weights_are_equal_bytes(
    small, starter
):
    with np.load(starter / WEIGHTS) as stored:
        kinds = {(array.ndim > 1, array.dtype) for array in stored.values()}
    assert kinds == {(True, np.dtype(np.float16)), (False, np.dtype(np.float32))}
    assert pack(small) == pack(small)


def test_labels_are_found_by_name_and_a_new_sign_is_not_the_answer_yet(released):
    folder, weights = released
    labels = ("nothing", "A", "Ä", "B")
    wider = build_recogniser(SMALL, len(labels))
    _load_starter_head(wider, labels, folder)
    kernel, bias = head_of(wider).get_weights()
    for label in LABELS:
        near(weights[-2][:, [LABELS.index(label)]], kernel[:, [labels.index(label)]])
        assert bias[labels.index(label)] == weights[-1][LABELS.index(label)]
    assert not kernel[:, 2].any() and bias[2] == pytest.approx(weights[-1].mean())


def test_the_released_networks_settings_are_read_from_its_contract(starter):
    assert starter_config(starter) == asking_for("starter")
    path = starter / "recogniser.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"views": "single"', '"views": "hand_crop", "network_px": 32'))
    found = starter_config(starter)
    assert (found.views, found.network_px) == ("hand_crop", 32)
    path.write_text(text.replace('"views": "single"', '"of": "before"'))
    assert starter_config(starter) == asking_for("starter")


def test_another_backbone_is_refused_as_is_a_starter_before_a_release(small, starter, tmp_path):
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="MobileNetV9")
    with pytest.raises(ModelError, match=r"(?s)for MobileNetV9.*--backbone MobileNetV3Small"):
        load_first_weights(other, asking_for("starter"), LABELS, starter)
    with pytest.raises(ModelError, match=r"(?s)no released recogniser.*--weights imagenet"):
        load_first_weights(small, asking_for("starter"), LABELS, tmp_path)


@pytest.mark.parametrize("damage", ["changed", "missing", "contract"])
def test_a_damaged_starter_is_refused_and_changes_nothing(small, starter, damage):
    if damage == "changed":
        content = bytearray((starter / WEIGHTS).read_bytes())
        content[len(content) // 2] ^= 1
        (starter / WEIGHTS).write_bytes(bytes(content))
    elif damage == "missing":
        (starter / WEIGHTS).unlink()
    else:
        (starter / "recogniser.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be used"):
        load_first_weights(small, asking_for("starter"), LABELS, starter)
    assert not any(w.any() for w in small.get_weights())


def test_weights_of_other_shapes_are_refused(starter):
    wider = build_recogniser(SMALL, 3)
    assert starter_facts(starter)["labels"] == list(LABELS)
    head_of(wider).get_layer("logits").kernel._shape = (4, 3)
    with pytest.raises(ModelError, match="has the shape"):
        _load_starter_head(wider, LABELS, starter)


def test_auto_is_imagenet_and_without_it_the_released_one_which_it_says(
    small, released, tmp_path, monkeypatch, capsys
):
    """Whoever asks for ImageNet by name gets it or an error, as `auto` does before a release."""

    def out_of_reach(*_: object) -> None:
        raise ModelError(found="ImageNet could not be fetched", expected="a net", fix="plug it in")

    folder, weights = released
    monkeypatch.setattr(module, "imagenet_backbone", lambda *_: backbone_of(small))
    assert "ImageNet" in load_first_weights(small, asking_for("auto"), LABELS, folder)
    assert not any(w.any() for w in small.get_weights())
    monkeypatch.setattr(module, "imagenet_backbone", out_of_reach)
    for asked, place in (("imagenet", folder), ("auto", tmp_path)):
        with pytest.raises(ModelError, match="ImageNet could not be fetched"):
            load_first_weights(small, asking_for(asked), LABELS, place)
    assert capsys.readouterr().out == ""
    origin = load_first_weights(small, asking_for("auto"), LABELS, folder)
    assert "starter" in origin and "could not be fetched" in origin
    assert "could not be fetched" in capsys.readouterr().out
    near(weights[0], small.get_weights()[0])
