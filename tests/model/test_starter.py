"""The released recogniser as the first weights of another."""

import dataclasses

import keras
import numpy as np
import pytest

from fingerspell.errors import ModelError
from fingerspell.model import backbone_of, build_recogniser, head_of, load_backbone_weights
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


@pytest.fixture
def starter(small, tmp_path):
    """A released network whose values are known, and `small` emptied after."""
    backbone = backbone_of(small)
    backbone.set_weights([w + 0.125 for w in backbone.get_weights()])
    head_of(small).set_weights([w + 0.5 for w in head_of(small).get_weights()])
    folder = starter_folder(tmp_path / "starter", small, LABELS)
    released = [w.copy() for w in small.get_weights()]
    small.set_weights([w * 0 for w in released])
    return folder, released


def asking_for(weights: str):
    return dataclasses.replace(SMALL, weights=weights)


def out_of_reach(*_: object) -> None:
    raise ModelError(found="ImageNet could not be fetched", expected="a net", fix="plug it in")


def near(want: np.ndarray, got: np.ndarray) -> None:
    exact = want.ndim == 1
    np.testing.assert_allclose(got, want, rtol=0 if exact else 1e-3, atol=0 if exact else 1e-7)


def test_the_backbone_is_the_released_one_and_the_head_stays_as_it_was(small, starter):
    folder, released = starter
    origin = load_backbone_weights(small, asking_for("starter"), folder)
    assert "starter" in origin and "2026-01-01" in origin
    for want, got in zip(released, small.get_weights()[:-2], strict=False):
        near(want, got)
    assert not any(w.any() for w in head_of(small).get_weights())


def test_vectors_keep_single_precision_and_kernels_half(starter):
    folder, _ = starter
    with np.load(folder / WEIGHTS) as stored:
        kinds = {(array.ndim > 1, array.dtype) for array in stored.values()}
    assert kinds == {(True, np.dtype(np.float16)), (False, np.dtype(np.float32))}


def test_equal_weights_give_equal_bytes(small):
    assert pack(small) == pack(small)


def test_the_head_answers_as_the_released_one(small, starter):
    folder, released = starter
    _load_starter_head(small, LABELS, folder)
    for want, got in zip(released[-2:], head_of(small).get_weights(), strict=True):
        near(want, got)


def test_labels_are_found_by_name_and_a_new_sign_is_not_the_answer_yet(starter):
    folder, released = starter
    labels = ("nothing", "A", "Ä", "B")
    wider = build_recogniser(SMALL, len(labels))
    _load_starter_head(wider, labels, folder)
    kernel, bias = head_of(wider).get_weights()
    for label in LABELS:
        near(released[-2][:, [LABELS.index(label)]], kernel[:, [labels.index(label)]])
        assert bias[labels.index(label)] == released[-1][LABELS.index(label)]
    assert not kernel[:, 2].any() and bias[2] == pytest.approx(released[-1].mean())


def test_the_released_networks_settings_are_read_from_its_contract(starter):
    folder, _ = starter
    assert starter_config(folder) == asking_for("starter")
    path = folder / "recogniser.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"finished"', '"views": "hand_crop", "finished"'), "utf-8")
    assert starter_config(folder).views == "hand_crop"


def test_another_backbone_is_refused_with_the_way_out(starter, monkeypatch):
    folder, _ = starter
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="MobileNetV9")
    with pytest.raises(ModelError, match=r"(?s)for MobileNetV9.*--backbone MobileNetV3Small"):
        load_backbone_weights(other, asking_for("starter"), folder)


def test_before_a_release_the_starter_says_that_there_is_none(small, tmp_path):
    with pytest.raises(ModelError, match=r"(?s)no released recogniser.*--weights imagenet"):
        load_backbone_weights(small, asking_for("starter"), tmp_path)


@pytest.mark.parametrize("damage", ["changed", "missing", "contract"])
def test_a_damaged_starter_is_refused_and_changes_nothing(small, starter, damage):
    folder, _ = starter
    if damage == "changed":
        content = bytearray((folder / WEIGHTS).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / WEIGHTS).write_bytes(bytes(content))
    elif damage == "missing":
        (folder / WEIGHTS).unlink()
    else:
        (folder / "recogniser.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be used"):
        load_backbone_weights(small, asking_for("starter"), folder)
    assert not any(w.any() for w in small.get_weights())


def test_weights_of_other_shapes_are_refused(starter):
    folder, _ = starter
    wider = build_recogniser(SMALL, 3)
    facts = starter_facts(folder)
    assert facts["labels"] == list(LABELS)
    head = head_of(wider).get_layer("logits")
    head.kernel._shape = (4, 3)
    with pytest.raises(ModelError, match="has the shape"):
        _load_starter_head(wider, LABELS, folder)


def test_auto_is_imagenet_where_it_can_be_fetched(small, starter, monkeypatch, capsys):
    folder, _ = starter
    monkeypatch.setattr(module, "imagenet_backbone", lambda *_: backbone_of(small))
    assert "ImageNet" in load_backbone_weights(small, asking_for("auto"), folder)
    assert not any(w.any() for w in small.get_weights())
    assert capsys.readouterr().out == ""


def test_without_imagenet_auto_starts_from_the_released_one_and_says_so(
    small, starter, monkeypatch, capsys
):
    folder, released = starter
    monkeypatch.setattr(module, "imagenet_backbone", out_of_reach)
    origin = load_backbone_weights(small, asking_for("auto"), folder)
    assert "starter" in origin and "could not be fetched" in origin
    assert "could not be fetched" in capsys.readouterr().out
    near(released[0], small.get_weights()[0])


def test_whoever_asks_for_imagenet_by_name_gets_it_or_an_error(small, starter, monkeypatch):
    folder, _ = starter
    monkeypatch.setattr(module, "imagenet_backbone", out_of_reach)
    with pytest.raises(ModelError, match="ImageNet could not be fetched"):
        load_backbone_weights(small, asking_for("imagenet"), folder)


def test_with_neither_auto_speaks_of_imagenet(small, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "imagenet_backbone", out_of_reach)
    with pytest.raises(ModelError, match="ImageNet could not be fetched"):
        load_backbone_weights(small, asking_for("auto"), tmp_path)
