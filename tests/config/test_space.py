"""Settings by name, and the ranges in which to search for them."""

from dataclasses import replace

import pytest

from fingerspell.config import Choice, Range, guide, progressive, two_phases, with_settings
from fingerspell.config.space import _settings, read_space
from fingerspell.errors import ConfigError

RUN = guide()


def test_settings_go_by_their_part_of_the_run_without_its_place_and_its_seed():
    named = _settings(RUN)
    assert named["finetune.learning_rate"] == RUN.phases[1].learning_rate
    assert named["augment.zoom"] == RUN.augment.zoom
    assert named["sampling.group_power"] == RUN.sampling.group_power
    assert named["model.dropout"] == RUN.model.dropout
    assert named["label_smoothing"] == RUN.label_smoothing
    assert not {"seed", "output_dir", "dataset_dir", "resume", "threshold"} & named.keys()


def test_settings_are_replaced_together_and_the_rest_stays():
    changed = with_settings(RUN, {"augment.zoom": 0.3, "batch_size": 8, "model.dropout": 0.1})
    assert (changed.augment.zoom, changed.batch_size, changed.model.dropout) == (0.3, 8, 0.1)
    assert (changed.augment.shear, changed.phases) == (RUN.augment.shear, RUN.phases)
    rates = {"head.learning_rate": 1e-4, "finetune.learning_rate": 1e-5}
    assert [p.learning_rate for p in with_settings(RUN, rates).phases] == [1e-4, 1e-5]
    with pytest.raises(ConfigError, match="is not below head"):
        with_settings(RUN, {"head.learning_rate": 1e-4})


def test_the_stretches_of_one_phase_are_changed_together():
    head, finetune = two_phases(9)
    phases = (head, *progressive(finetune, {96: 0.5, None: 0.5}))
    stretched = replace(guide(epochs=9), phases=phases)
    changed = with_settings(stretched, {"finetune.learning_rate": 1e-4})
    assert [p.learning_rate for p in changed.phases] == [head.learning_rate, 1e-4, 1e-4]


@pytest.mark.parametrize(
    ("name", "declared", "is_read_as"),
    [
        ("finetune.learning_rate", (1e-5, 1e-3, "log"), Range(1e-5, 1e-3, log=True)),
        ("augment.zoom", (0.2, 0.8), Range(0.2, 0.8)),
        ("batch_size", (8, 64), Range(8, 64, whole=True)),
        ("model.dropout", [0.1, 0.5], Choice((0.1, 0.5))),
        ("average_epochs", (0, 2), Range(0, 2)),
        ("finetune.unfrozen_from", [None, "all"], Choice((None, "all"))),
        ("finetune.batchnorm_momentum", (0.9, 0.99), Range(0.9, 0.99)),
        ("head.batchnorm_momentum", [None, 0.9], Choice((None, 0.9))),
        ("augment.zoom", [0, 0.5], Choice((0, 0.5))),
    ],
)
def test_ranges_and_choices_are_read_also_of_what_may_be_none(name, declared, is_read_as):
    assert read_space({name: declared}, RUN, "mine.py") == {name: is_read_as}


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ([1, 2], "holds a list.*a dictionary"),
        ({"finetun.learning_rate": (1e-5, 1e-3)}, "finetun.*finetune.learning_rate"),
        ({"seed": (1, 9)}, "'seed', which is no setting to search for"),
        ({"augment.zoom": (0.8, 0.2)}, "rising"),
        ({"augment.zoom": (0.2, 0.2)}, "rising"),
        ({"augment.zoom": (0.0, 0.8, "log")}, 'above 0 for "log"'),
        ({"augment.zoom": (0.2, 0.8, "linear")}, '"log"'),
        ({"augment.zoom": 0.5}, "a range"),
        ({"augment.zoom": [0.5]}, "at least two"),
        ({"augment.zoom": [0.5, 0.5]}, "different"),
        ({"augment.zoom": (False, True)}, "rising"),
        ({"augment.zoom": (0.2, float("inf"))}, "rising"),
        ({"batch_size": (8.0, 64.0)}, "whole numbers"),
        ({"augment.zoom": (0.2, 8.0)}, "augment.zoom=8.0"),
        ({"model.backbone": ["MobileNetV3Large", "ResNet50"]}, "ResNet50"),
        ({"batch_size": [8, "many"]}, "batch_size: 'many'.*batch_size takes: a whole number"),
        ({"batch_size": [8, 16.0]}, "batch_size: 16.0.*a whole number"),
        ({"batch_size": [8, True]}, "batch_size: True.*a whole number"),
        ({"augment.zoom": [0.2, "big"]}, "augment.zoom: 'big'.*a number"),
        ({"augment.zoom": [0.2, None]}, "augment.zoom: None.*a number"),
        ({"finetune.learning_rate": [1e-4, float("inf")]}, "inf.*a number"),
        ({"finetune.unfrozen_from": ["all", 3]}, "unfrozen_from: 3.*a text or None"),
        ({"finetune.batchnorm_momentum": [None, "slow"]}, "'slow'.*a number or None"),
        ({"finetune.image_size_px": [None, "big"]}, "image_size_px', which is no setting"),
        ({"model.backbone": ("a", "b")}, "a range"),
        ({"finetune.unfrozen_from": (0.1, 0.5)}, "a range"),
        ({"label_smoothing": [0.1, 1.0]}, "label_smoothing=1.0"),
        ({"average_epochs": (-1.0, 1.0)}, "average_epochs=-1.0"),
    ],
)
def test_ranges_that_cannot_be_are_told(declared, words):
    with pytest.raises(ConfigError, match=f"(?s){words}"):
        read_space(declared, RUN, "mine.py")
