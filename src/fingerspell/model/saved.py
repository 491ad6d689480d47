"""Saves and loads whole recognisers (`model.keras`)."""

from __future__ import annotations

from pathlib import Path

import keras

from fingerspell.config import ModelConfig
from fingerspell.errors import ModelError
from fingerspell.model.build import DROPOUT, build_recogniser
from fingerspell.model.closer import look_like, looks_of
from fingerspell.model.parts import backbone_of, head_of, size_of


def save_recogniser(model: keras.Model, path: Path) -> None:
    """Writes `model.keras` in one step: the old file stays until the new one is whole."""
    temporary = path.with_name(f".{path.stem}.writing.keras")
    model.save(temporary)
    temporary.replace(path)


def load_recogniser(path: Path) -> keras.Model:
    """Loads a recogniser without its optimizer; raises `ModelError` where it cannot."""
    if not path.is_file():
        raise ModelError(
            found=f"no {path.name} in {path.parent}",
            expected="a run folder in which training has finished",
            fix="train first: python backend/train_finetune.py --dataset_dir dataset",
        )
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # zipfile, h5py and Keras each raise their own kinds.
        raise ModelError(
            found=f"{path.name} cannot be read ({str(error)[:200]})",
            expected="a model.keras that `fingerspell train` wrote",
            fix="train again, or copy the file anew",
        ) from error


def config_of(model: keras.Model, size_px: tuple[int, int]) -> ModelConfig:
    """Returns how to build `model` again, for pictures of `size_px`."""
    return ModelConfig(
        backbone=model.name,
        image_size_px=size_px,
        dropout=head_of(model).get_layer(DROPOUT).rate,
        looks=looks_of(model),
    )


def rebuild_in_float32(model: keras.Model) -> keras.Model:
    """Returns the same network computing in float32 throughout, with the same weights.

    A `mixed_float16` model converted as it is needs Flex operators and gives float16 outputs.
    """
    config = config_of(model, size_of(model))
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        copy = build_recogniser(config, int(model.output_shape[-1]))
    finally:
        keras.config.set_dtype_policy(policy)
    for part in (backbone_of, head_of):
        part(copy).set_weights(part(model).get_weights())
    return look_like(model, copy)
