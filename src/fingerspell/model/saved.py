"""Saves and loads recognisers, and copies them: in float32, or for another picture size."""

from pathlib import Path

import keras

from fingerspell.config.phase import ModelConfig
from fingerspell.errors import ModelError
from fingerspell.files import written_aside
from fingerspell.model.build import DROPOUT, backbone_of, build_recogniser, head_of, size_of
from fingerspell.model.hand_crop import views_of, with_views_of


def save_recogniser(model: keras.Model, path: Path) -> None:
    """Writes `model.keras` in one step: the old file stays until the new one is whole."""
    with written_aside(path) as temporary:
        model.save(temporary)


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


def rebuild_in_float32(model: keras.Model) -> keras.Model:
    """Returns the same network computing in float32 throughout, with the same weights.

    A `mixed_float16` model converted as it is needs Flex operators and gives float16 outputs.
    """
    config = _config_of(model, size_of(backbone_of(model)))
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        copy = build_recogniser(config, int(model.output_shape[-1]))
    finally:
        keras.config.set_dtype_policy(policy)
    for part in (backbone_of, head_of):
        part(copy).set_weights(part(model).get_weights())
    return with_views_of(model, copy)


def at_size(model: keras.Model, size_px: tuple[int, int]) -> keras.Model:
    """Returns a recogniser for pictures of `size_px` (height, width) that holds `model`'s values.

    That is `model` itself where the size is its own, else a network of its own: MobileNetV3 pads
    its strided convolutions by whether each stage's side is even, which is fixed when it is
    built. The copy takes the current dtype policy (mixed precision), and nothing is frozen in it.
    """
    return model if size_of(model) == tuple(size_px) else copy_at(model, size_px)


def copy_at(model: keras.Model, size_px: tuple[int, int]) -> keras.Model:
    """Returns a network of its own for pictures of `size_px` that holds `model`'s values."""
    copy = build_recogniser(_config_of(model, size_px), int(model.output_shape[-1]))
    # Keras numbers layers without a name of their own anew; `unfrozen_from` may name one.
    for layer, original in zip(backbone_of(copy).layers, backbone_of(model).layers, strict=True):
        layer.name = original.name
    carry(model, copy)
    return copy


def carry(source: keras.Model, target: keras.Model) -> None:
    """Copies every value of `source` into `target`, dropout's generators included."""
    if source is target:
        return
    for part in (backbone_of, head_of):
        for variable, value in zip(part(target).variables, part(source).variables, strict=True):
            # By way of numpy: JAX would share one array, and training one would give it away.
            variable.assign(keras.ops.convert_to_numpy(value))


def _config_of(model: keras.Model, size_px: tuple[int, int]) -> ModelConfig:
    return ModelConfig(
        backbone=model.name,
        image_size_px=size_px,
        dropout=head_of(model).get_layer(DROPOUT).rate,
        views=views_of(model),
    )
