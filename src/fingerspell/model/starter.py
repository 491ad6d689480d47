"""The released recogniser as a first network: its weights in half precision, in one small file.

Kernels are kept as float16. Vectors (BatchNormalization's, biases) stay float32: they are a
fiftieth of all numbers, and half precision would lose their smallest variances.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fingerspell.assets import STARTER
from fingerspell.config import ModelConfig
from fingerspell.errors import ModelError
from fingerspell.model.build import LOGITS, backbone_of, build_recogniser, head_of
from fingerspell.model.hand_crop import HERE, HandBox, hand_box_of, has_hand_crop, with_hand_crop

WEIGHTS = "starter_weights.npz"
CONTRACT = "recogniser.json"


def pack(model: keras.Model) -> bytes:
    """Returns the file of a recogniser's weights; equal weights give equal bytes."""
    variables = {**_backbone(model), **_head(model)}
    arrays = {k: _half(keras.ops.convert_to_numpy(v)) for k, v in variables.items()}
    if has_hand_crop(model):
        place = hand_box_of(model)
        arrays |= {f"{HERE}/kernel": place.kernel, f"{HERE}/bias": np.array(place.bias, np.float32)}
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()


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
    """Returns in words whose weights the released ones are, by what `starter_facts` says."""
    return f"the released recogniser (starter, trained {facts['origin'].get('finished', '?')})"


def starter_config(folder: Path = STARTER) -> ModelConfig:
    """Returns the released network's settings: backbone, picture size, looks."""
    facts = starter_facts(folder)
    origin = facts["origin"]
    return ModelConfig(
        backbone=facts["backbone"],
        weights="starter",
        image_size_px=(facts["height_px"], facts["width_px"]),
        views=origin.get("views", "single"),
    )


def build_starter(labels: Sequence[str], folder: Path = STARTER) -> keras.Model:
    """Returns the released network with its weights, for `labels`; it looks once, as it learns.

    `look_as_released` makes it answer as the released one does.

    Raises `ModelError` where there is none or it is damaged.
    """
    model = build_recogniser(starter_config(folder), len(labels))
    load_starter_backbone(model, folder)
    load_starter_head(model, labels, folder)
    return model


def with_released_views(model: keras.Model, folder: Path = STARTER) -> keras.Model:
    """Returns a recogniser on the released backbone that looks as the released one does.

    Raises `ModelError` where there is none or it is damaged.
    """
    if starter_config(folder).views == "single":
        return model
    arrays = _arrays(folder, starter_facts(folder))
    kernel, bias = (_array(arrays, f"{HERE}/{name}") for name in ("kernel", "bias"))
    return with_hand_crop(model, HandBox(kernel, float(bias)))


def load_starter_backbone(model: keras.Model, folder: Path = STARTER) -> str:
    """Fills the backbone with the released recogniser's; returns the origin in words.

    Raises `ModelError` where there is none, where it is damaged, and for another backbone.
    """
    facts = starter_facts(folder)
    if model.name != facts["backbone"]:
        raise ModelError(
            found=f"--weights starter for {model.name}",
            expected=f"{facts['backbone']}, the one network that is released",
            fix=f"--backbone {facts['backbone']}, or other --weights for {model.name}",
        )
    _fill(_backbone(model), _arrays(folder, facts))
    return starter_origin(facts)


def load_starter_head(model: keras.Model, labels: Sequence[str], folder: Path = STARTER) -> None:
    """Fills the outputs of those of `labels` that the released recogniser knows.

    Another label's weights become zero and its bias the mean of the others, so that it is never
    the answer before it is learnt. Its temperature is inside the weights.
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
    _fill(_head(model), {f"{LOGITS}/kernel": wide, f"{LOGITS}/bias": offset})


def _backbone(model: keras.Model) -> dict[str, Any]:
    return {f"{x.name}/{v.name}": v for x in backbone_of(model).layers for v in x.weights}


def _head(model: keras.Model) -> dict[str, Any]:
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
