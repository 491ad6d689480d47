"""First weights of the backbone: ImageNet, the released one, a file, another run, or none."""

from __future__ import annotations

import warnings
from pathlib import Path

import keras

from fingerspell.assets import STARTER, has_starter
from fingerspell.config import ModelConfig
from fingerspell.errors import ModelError
from fingerspell.model.build import BACKBONE, backbone_of
from fingerspell.model.starter import load_starter_backbone


def load_backbone_weights(model: keras.Model, config: ModelConfig, starter: Path = STARTER) -> str:
    """Fills the backbone as `config.weights` says; returns the origin in words for the report.

    `auto` is ImageNet or, where that cannot be fetched, the released recogniser in the folder
    `starter`; it says which on the console. Raises `ModelError` where the file is missing, damaged
    or of another architecture, or where neither is to be had.
    """
    if config.weights == "none":
        return "random initialisation"
    if config.weights == "auto":
        return _imagenet_or_starter(model, config, starter)
    if config.weights == "imagenet":
        return _load_imagenet(model, config, starter)
    if config.weights == "starter":
        return load_starter_backbone(model, starter)
    path = Path(config.weights)
    if not path.is_file():
        words = ("imagenet", "starter", "none") if has_starter(starter) else ("imagenet", "none")
        raise ModelError(
            found=f"--weights {config.weights}: no such file",
            expected=f"{', '.join(words)}, or the path of a .weights.h5 or model.keras file",
            fix=f"check the path, or use one of the words: {', '.join(words)}",
        )
    _load_file(backbone_of(model), path, config.backbone)
    return f"weights file {path.name}"


def _imagenet_or_starter(model: keras.Model, config: ModelConfig, starter: Path) -> str:
    try:
        return _load_imagenet(model, config, starter)
    except ModelError as unfetched:
        try:
            origin = load_starter_backbone(model, starter)
        except ModelError:
            raise unfetched from None
    print(
        "ImageNet's weights could not be fetched: training starts from the released recogniser "
        "instead, as --weights starter does",
        flush=True,
    )
    return f"{origin}, because ImageNet's weights could not be fetched"


def _load_imagenet(model: keras.Model, config: ModelConfig, starter: Path) -> str:
    backbone_of(model).set_weights(imagenet_backbone(config, starter).get_weights())
    return f"keras.applications.{config.backbone} ImageNet weights"


def imagenet_backbone(config: ModelConfig, starter: Path = STARTER) -> keras.Model:
    """Returns Keras's backbone with ImageNet weights, fetched or from its cache.

    Raises `ModelError` where neither is to be had; it offers what lies in the folder `starter`.
    """
    try:
        return getattr(keras.applications, config.backbone)(
            include_top=False,
            weights="imagenet",
            include_preprocessing=False,
            input_shape=(*config.image_size_px, 3),
            pooling="avg",
        )
    except Exception as error:  # Keras wraps every network failure in a bare Exception.
        there = has_starter(starter)
        released = "start from the released recogniser with --weights starter, " if there else ""
        raise ModelError(
            found=f"the ImageNet weights of {config.backbone} could not be fetched ({error})",
            expected="a connection to the Keras weights store, or a copy in ~/.keras/models",
            fix=f"{released}pass a file with --weights PATH, or train from nothing with "
            "--weights none",
        ) from error


def _load_file(backbone: keras.Model, path: Path, name: str) -> None:
    before = backbone.get_weights()
    try:
        if path.suffix == ".keras":
            backbone.set_weights(_backbone_in(path))
        else:
            with warnings.catch_warnings():  # One warning a layer would bury the one error.
                warnings.simplefilter("ignore")
                backbone.load_weights(path)
    except ModelError:
        raise
    except Exception as error:  # h5py and Keras raise OSError, KeyError, ValueError and more.
        backbone.set_weights(before)
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else repr(error)
        raise ModelError(
            found=f"{path.name} does not fit {name} ({reason})",
            expected=f"weights of keras.applications.{name}(include_top=False)",
            fix="choose the matching --backbone, another file, or --weights none",
        ) from error


def _backbone_in(path: Path) -> list[object]:
    other = keras.models.load_model(path, compile=False)
    return list(other.get_layer(BACKBONE).get_weights())
