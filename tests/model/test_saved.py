import keras
import numpy as np
import pytest

from fingerspell.errors import ModelError
from fingerspell.model import (
    backbone_of,
    build_recogniser,
    fold_temperature,
    head_of,
    load_recogniser,
    rebuild_in_float32,
    save_recogniser,
)
from helpers.small_run import SMALL

X = np.random.default_rng(0).random((3, 32, 32, 3), np.float32)


def test_a_saved_recogniser_answers_as_before(small, tmp_path):
    save_recogniser(small, tmp_path / "model.keras")
    np.testing.assert_array_equal(load_recogniser(tmp_path / "model.keras")(X), small(X))
    assert [p.name for p in tmp_path.iterdir()] == ["model.keras"]


def test_a_failed_save_leaves_the_old_file(small, tmp_path, monkeypatch):
    (tmp_path / "model.keras").write_bytes(b"old")

    def disk_full(path, **_: object) -> None:
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(small, "save", disk_full)
    with pytest.raises(OSError, match="No space"):
        save_recogniser(small, tmp_path / "model.keras")
    assert (tmp_path / "model.keras").read_bytes() == b"old"


def test_a_missing_or_damaged_model_says_what_to_do(tmp_path):
    path = tmp_path / "model.keras"
    with pytest.raises(ModelError, match="train first"):
        load_recogniser(path)
    path.write_bytes(b"no zip")
    with pytest.raises(ModelError, match="cannot be read"):
        load_recogniser(path)


def test_a_mixed_precision_model_is_rebuilt_in_float32_with_the_same_weights(half_precision):
    mixed = build_recogniser(SMALL, 3)
    plain = rebuild_in_float32(mixed)
    assert keras.config.dtype_policy().name == "mixed_float16"
    assert {x.compute_dtype for x in backbone_of(plain).layers} == {"float32"}
    for old, new in zip(mixed.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_temperature_softens_every_answer_and_changes_no_winner(small):
    logits = head_of(small).get_layer("logits")
    kernel, _ = logits.get_weights()
    logits.set_weights([kernel, np.array([1.5, -1.0, 0.0], np.float32)])  # An opinion to soften.
    before = small(X).numpy()
    fold_temperature(small, 2.0)
    after = small(X).numpy()
    softer = np.sqrt(before) / np.sqrt(before).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(after, softer, atol=1e-6)
