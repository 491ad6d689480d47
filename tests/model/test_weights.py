import dataclasses

import keras
import numpy as np
import pytest

from fingerspell.errors import ModelError
from fingerspell.model import backbone_of, load_backbone_weights, save_recogniser
from helpers.small_run import SMALL


def asking_for(weights) -> object:
    return dataclasses.replace(SMALL, weights=str(weights))


def shaken(model):
    backbone = backbone_of(model)
    backbone.set_weights([w + 0.25 for w in backbone.get_weights()])
    return backbone.get_weights()


def test_a_weights_file_fills_the_backbone(small, tmp_path):
    wanted = shaken(small)
    path = tmp_path / "some.weights.h5"
    backbone_of(small).save_weights(path)
    backbone_of(small).set_weights([w * 0 for w in wanted])
    assert "some.weights.h5" in load_backbone_weights(small, asking_for(path))
    for want, got in zip(wanted, backbone_of(small).get_weights(), strict=True):
        np.testing.assert_array_equal(want, got)


def test_an_earlier_run_can_be_the_start_of_the_next(small, tmp_path):
    wanted = shaken(small)
    save_recogniser(small, tmp_path / "model.keras")
    backbone_of(small).set_weights([w * 0 for w in wanted])
    load_backbone_weights(small, asking_for(tmp_path / "model.keras"))
    for want, got in zip(wanted, backbone_of(small).get_weights(), strict=True):
        np.testing.assert_array_equal(want, got)


def test_weights_of_another_architecture_are_refused_and_change_nothing(small, tmp_path):
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    other.save_weights(tmp_path / "other.weights.h5")
    before = [w.copy() for w in backbone_of(small).get_weights()]
    with pytest.raises(ModelError, match="does not fit MobileNetV3Small"):
        load_backbone_weights(small, asking_for(tmp_path / "other.weights.h5"))
    for old, new in zip(before, backbone_of(small).get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("content", [b"", b"no weights at all"])
def test_a_damaged_weights_file_is_refused(small, tmp_path, content):
    path = tmp_path / "bad.weights.h5"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.weights\.h5 does not fit"):
        load_backbone_weights(small, asking_for(path))


@pytest.fixture(params=[True, False], ids=["released", "unreleased"])
def released(request, tmp_path):
    """A folder for the released recogniser, with one in it or without."""
    folder = tmp_path / "starter"
    folder.mkdir()
    if request.param:
        (folder / "recogniser.json").write_text("{}", encoding="utf-8")
    return folder, request.param


def test_a_missing_weights_file_is_named_and_the_starter_only_where_there_is_one(
    small, tmp_path, released
):
    starter, there = released
    with pytest.raises(ModelError, match="no such file") as told:
        load_backbone_weights(small, asking_for(tmp_path / "absent.h5"), starter)
    assert ("starter" in told.value.expected) is there
    assert ("starter" in told.value.fix) is there and "none" in told.value.fix


def test_without_a_connection_imagenet_names_the_ways_out_that_there_are(
    small, monkeypatch, released
):
    def no_net(**_: object) -> None:
        raise Exception("URL fetch failure")

    starter, there = released
    monkeypatch.setattr(keras.applications, "MobileNetV3Small", no_net)
    with pytest.raises(ModelError, match="--weights none") as told:
        load_backbone_weights(small, asking_for("imagenet"), starter)
    assert ("--weights starter" in told.value.fix) is there


def test_no_weights_means_the_random_ones(small):
    before = [w.copy() for w in backbone_of(small).get_weights()]
    assert load_backbone_weights(small, SMALL) == "random initialisation"
    for old, new in zip(before, backbone_of(small).get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
