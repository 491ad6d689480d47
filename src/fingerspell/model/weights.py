"""First weights of the network: ImageNet, the released recogniser (starter), a file, or none.

The starter is one small file. Its kernels are float16. Vectors (BatchNormalization's, biases) stay
float32: they are a fiftieth of all numbers, and half precision would lose the smallest variances.
"""

import hashlib
import io
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fingerspell.assets import STARTER, has_starter
from fingerspell.config.phase import ModelConfig, require_weights
from fingerspell.errors import ModelError
from fingerspell.model import hand_crop
from fingerspell.model.build import (
    BACKBONE,
    LOGITS,
    backbone_of,
    build_recogniser,
    head_of,
    size_of,
)
from fingerspell.model.hand_crop import HandBox

WEIGHTS = "starter_weights.npz"
CONTRACT = "recogniser.json"


def load_first_weights(
    model: keras.Model, config: ModelConfig, labels: Sequence[str], starter: Path = STARTER
) -> str:
    """Loads the weights that `config.weights` names; returns their origin in words.

    They are the backbone's; the released recogniser also brings the head's weights of those of
    `labels` that it knows. A network that begins with a head of random weights unlearns part of
    what its features knew of other people (Kumar et al., "Fine-tuning can distort pretrained
    features and underperform out-of-distribution", ICLR 2022).

    `auto` is ImageNet or, where that cannot be fetched, the released recogniser in the folder
    `starter`; the console names which. Raises `ConfigError` where the file is missing,
    `ModelError` where it is damaged or of another architecture, or neither is available.
    """
    if config.weights == "none":
        return "random initialisation"
    if config.weights == "auto":
        return _imagenet_or_starter(model, config, labels, starter)
    if config.weights == "imagenet":
        return _load_imagenet(model, config, starter)
    if config.weights == "starter":
        return _load_starter(model, labels, starter)
    require_weights(config.weights)
    path = Path(config.weights)
    _load_file(backbone_of(model), path, config.backbone)
    return f"weights file {path.name}"


def _imagenet_or_starter(
    model: keras.Model, config: ModelConfig, labels: Sequence[str], starter: Path
) -> str:
    try:
        return _load_imagenet(model, config, starter)
    except ModelError as unfetched:
        try:
            origin = _load_starter(model, labels, starter)
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

    Raises `ModelError` where neither is available; its fix names the folder `starter` if usable.
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


def build_starter(labels: Sequence[str], folder: Path = STARTER) -> keras.Model:
    """Returns the released network with its weights, for `labels`, with a single view for training.

    `with_released_views` adds the released recogniser's picture size and hand crop. Raises
    `ModelError` where there is no starter or it is damaged.
    """
    model = build_recogniser(starter_config(folder), len(labels))
    _load_starter(model, labels, folder)
    return model


def with_released_views(model: keras.Model, folder: Path = STARTER) -> keras.Model:
    """Returns a recogniser on the released backbone with the released views and picture size.

    Raises `ModelError` where there is no starter or it is damaged.
    """
    config, hand_box = starter_config(folder), None
    if config.views == "hand_crop":
        arrays = _arrays(folder, starter_facts(folder))
        count = sum(name.startswith("hand_") and name.endswith("/kernel") for name in arrays)
        hand_box = HandBox(tuple(
            (_array(arrays, f"{name}/kernel"), _array(arrays, f"{name}/bias"))
            for name in hand_crop.layer_names(count)
        ))  # fmt: skip
    return hand_crop.with_views(model, config.image_size_px, hand_box)


def released_network(folder: Path = STARTER) -> keras.Model:
    """Returns the released network as it answers: its labels, picture size and views.

    Raises `ModelError` where there is none or it is damaged.
    """
    model = build_starter(tuple(starter_facts(folder)["labels"]), folder)
    return with_released_views(model, folder)


def _load_starter(model: keras.Model, labels: Sequence[str], folder: Path = STARTER) -> str:
    """Loads the released recogniser's weights, for `labels`; returns their origin in words.

    Raises `ModelError` where there is none, where it is damaged, and for another backbone.
    """
    facts = starter_facts(folder)
    if model.name != facts["backbone"]:
        raise ModelError(
            found=f"--weights starter for {model.name}",
            expected=f"{facts['backbone']}, the one network that is released",
            fix=f"--backbone {facts['backbone']}, or other --weights for {model.name}",
        )
    _fill(_backbone_variables(model), _arrays(folder, facts))
    _load_starter_head(model, labels, folder)
    return starter_origin(facts)


def _load_starter_head(model: keras.Model, labels: Sequence[str], folder: Path = STARTER) -> None:
    """Loads the released recogniser's head weights for those of `labels` that it knows.

    Another label gets weights of zero and the mean bias of the others, so that it is never the
    answer before it is trained. Its temperature is inside the weights.
    """
    facts = starter_facts(folder)
    arrays = _arrays(folder, facts)
    known = [labels.index(label) for label in facts["labels"] if label in labels]
    theirs = [i for i, label in enumerate(facts["labels"]) if label in labels]
    kernel, bias = (_array(arrays, f"{LOGITS}/{name}") for name in ("kernel", "bias"))
    wide = np.zeros((len(kernel), len(labels)), np.float32)
    wide[:, known] = kernel[:, theirs]
    offset = np.full(len(labels), bias.mean(), np.float32)
    offset[known] = bias[theirs]
    _fill(_head_variables(model), {f"{LOGITS}/kernel": wide, f"{LOGITS}/bias": offset})


def starter_config(folder: Path = STARTER) -> ModelConfig:
    """Returns the released network's settings: backbone, picture sizes, views."""
    facts = starter_facts(folder)
    origin = facts["origin"]
    return ModelConfig(
        backbone=facts["backbone"],
        weights="starter",
        image_size_px=(facts["height_px"], facts["width_px"]),
        views=origin.get("views", "single"),
        network_px=origin.get("network_px"),
    )


def built_as(model: keras.Model) -> dict[str, Any]:
    """Returns what a contract's `origin` says of a network, for `starter_config`."""
    network_px = size_of(backbone_of(model))
    own_size = {} if network_px == size_of(model) else {"network_px": max(network_px)}
    return {"views": hand_crop.views_of(model), **own_size}


def starter_facts(folder: Path = STARTER) -> dict[str, Any]:
    """Returns what the released `recogniser.json` says; raises `ModelError` where there is none."""
    try:
        return dict(json.loads((folder / CONTRACT).read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ModelError(
            found="no released recogniser in this copy of the package",
            expected=f"{CONTRACT} and {WEIGHTS} in fingerspell/assets/starter",
            fix="install a release, or start from --weights imagenet or a weights file",
        ) from error
    except (OSError, ValueError) as error:
        raise _damaged(CONTRACT, str(error)) from error


def starter_origin(facts: Mapping[str, Any]) -> str:
    """Returns the origin of the starter's weights in words, from what `starter_facts` returns."""
    return f"the released recogniser (starter, trained {facts['origin'].get('finished', '?')})"


def pack(model: keras.Model) -> bytes:
    """Returns the starter's weights file of a recogniser; equal weights give equal bytes."""
    variables = {**_backbone_variables(model), **_head_variables(model)}
    arrays = {k: _half(keras.ops.convert_to_numpy(v)) for k, v in variables.items()}
    if hand_crop.has_hand_crop(model):
        layers = hand_crop.hand_box_of(model).layers
        for name, weights in zip(hand_crop.layer_names(len(layers)), layers, strict=True):
            arrays |= {f"{name}/kernel": _half(weights[0]), f"{name}/bias": weights[1]}
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()


def _backbone_variables(model: keras.Model) -> dict[str, Any]:
    return {f"{x.name}/{v.name}": v for x in backbone_of(model).layers for v in x.weights}


def _head_variables(model: keras.Model) -> dict[str, Any]:
    layer = head_of(model).get_layer(LOGITS)
    return {f"{layer.name}/{v.name}": v for v in layer.weights}


def _half(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float16 if values.ndim > 1 else np.float32)


def _arrays(folder: Path, facts: dict[str, Any]) -> dict[str, np.ndarray]:
    """Reads the weights once their SHA-256 is the one in the contract."""
    try:
        content = (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise _damaged(WEIGHTS, str(error)) from error
    if hashlib.sha256(content).hexdigest() != facts["files"].get(WEIGHTS):
        raise _damaged(WEIGHTS, f"its SHA-256 is not the one in {CONTRACT}")
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _array(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in arrays:
        raise _damaged(WEIGHTS, f"no {name} in it")
    return arrays[name].astype(np.float32)


def _fill(variables: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    values = {name: _array(arrays, name) for name in variables}
    for name, variable in variables.items():
        if values[name].shape != tuple(variable.shape):
            raise _damaged(WEIGHTS, f"{name} has the shape {values[name].shape}")
    for name, variable in variables.items():
        variable.assign(values[name])


def _damaged(name: str, reason: str) -> ModelError:
    return ModelError(
        found=f"the released recogniser's {name} cannot be used ({reason})",
        expected="the file as it was released",
        fix="install the package anew, or start from --weights imagenet or a weights file",
    )
