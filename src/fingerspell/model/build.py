"""Builds the network, gives access to its parts, and freezes or unfreezes the backbone.

Preprocessing is inside: the input is RGB in [0, 1]. What an unfrozen phase may change is data: the
name of the first layer that trains, and the momentum of BatchNormalization.
"""

import difflib
from typing import Any

import keras

from fingerspell.config.phase import ModelConfig
from fingerspell.errors import ConfigError, ModelError

_SCALING = "to_plus_minus_one"
BACKBONE = "backbone"
HEAD = "head"
DROPOUT = "dropout"
LOGITS = "logits"

ALL = "all"
"""The value of `unfrozen_from` that unfreezes the whole backbone."""


def build_recogniser(config: ModelConfig, classes: int) -> keras.Model:
    """Returns the whole network with random weights, as it is trained.

    Input `image`: RGB float32 in [0, 1], shape (N, H, W, 3), of `config.network_size_px`. Output:
    float32 probabilities (N, classes), also under a mixed-precision policy. The model is named
    after its backbone. It has a single view; `with_views` makes it take pictures of
    `config.image_size_px` and adds the crop views, for inference.
    """
    image = keras.Input((*config.network_size_px, 3), name="image")
    x = keras.layers.Rescaling(2.0, offset=-1.0, name=_SCALING)(image)
    backbone = build_backbone(config)
    head = _build_head(classes, config.dropout, int(backbone.output_shape[-1]))
    return keras.Model(image, head(backbone(x)), name=config.backbone)


def build_backbone(config: ModelConfig) -> keras.Model:
    """Returns the bare feature network, randomly initialised.

    Takes pixels in [-1, 1], shape (N, H, W, 3); gives pooled features (N, F).

    `include_preprocessing=False` because Keras's own rescaling expects [0, 255]: fed with [0, 1]
    it would scale twice, and the frozen network would see one flat grey.
    """
    application = getattr(keras.applications, config.backbone)
    return application(
        include_top=False,
        weights=None,
        include_preprocessing=False,
        input_shape=(*config.network_size_px, 3),
        pooling="avg",
        name=BACKBONE,
    )


def _build_head(classes: int, dropout: float, features: int) -> keras.Model:
    """Returns the classifier: features (N, F) → probabilities (N, classes), always float32."""
    inputs = keras.Input((features,), name="features")
    x = keras.layers.Dropout(dropout, name=DROPOUT)(inputs)
    x = keras.layers.Dense(classes, dtype="float32", name=LOGITS)(x)
    x = keras.layers.Softmax(dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, x, name=HEAD)


def backbone_of(model: keras.Model) -> keras.Model:
    """Returns the feature network: pixels in [-1, 1] → features (N, F)."""
    return _part(model, BACKBONE)


def head_of(model: keras.Model) -> keras.Model:
    """Returns the classifier: features (N, F) → probabilities (N, C)."""
    return _part(model, HEAD)


def scaling_of(model: keras.Model) -> keras.Layer:
    """Returns the layer that brings pixels from [0, 1] to [-1, 1]."""
    return _part(model, _SCALING)


def feature_network(model: keras.Model, image: Any = None) -> keras.Model:
    """Returns the front of the recogniser: pixels in [0, 1] → features, sharing its weights.

    The features are those of the whole picture, also in a recogniser with a hand crop. `image` is
    its input (None: `model`'s own).
    """
    image = model.input if image is None else image
    found = backbone_of(model)(whole_picture(model, image))
    # With a hand crop the backbone has a second output, the grid for hand localisation.
    features = found[0] if isinstance(found, list) else found
    return keras.Model(image, features, name="features")


def whole_picture(model: keras.Model, image: Any) -> Any:
    """Returns what the backbone sees of whole pictures: [0, 1] at their size → [-1, 1] at its own.

    Bilinear: up to half the size it agrees with area averages, and takes a seventh of their time.
    """
    size_px = size_of(backbone_of(model))
    if tuple(image.shape[1:3]) != size_px:
        image = keras.ops.image.resize(image, size_px, data_format="channels_last")
    return scaling_of(model)(image)


def size_of(model: keras.Model) -> tuple[int, int]:
    """Returns the height and width in pixels of the pictures that a model takes."""
    height, width = model.input_shape[1:3]
    return int(height), int(width)


def _part(model: keras.Model, name: str) -> keras.Model:
    try:
        return model.get_layer(name)
    except ValueError as error:
        raise ModelError(
            found=f"a model without a part named {name!r}",
            expected="a recogniser that `fingerspell train` saved",
            fix="train again, or pass the model.keras of a run folder",
        ) from error


def freeze_all(model: keras.Model) -> None:
    """Freezes the whole backbone; the head stays trainable."""
    backbone_of(model).trainable = False


def unfreeze(model: keras.Model, first: str, batchnorm_momentum: float | None) -> None:
    """Unfreezes the backbone from the layer named `first` (or `"all"`) to its end.

    `batchnorm_momentum=None` keeps BatchNormalization in inference mode by freezing those layers
    themselves: calling the backbone with `training=False` does not keep their statistics still
    during `fit`. A number trains them with that momentum (MobileNetV3's own 0.999 is too slow for
    short runs).
    """
    backbone = backbone_of(model)
    start = _index_of(backbone, first)
    backbone.trainable = True
    for index, layer in enumerate(backbone.layers):
        layer.trainable = index >= start
        if isinstance(layer, keras.layers.BatchNormalization):
            if batchnorm_momentum is None:
                layer.trainable = False
            else:
                layer.momentum = batchnorm_momentum


def require_layer(model: keras.Model, first: str | None) -> None:
    """Raises `ConfigError` where `unfreeze` would not find the layer named `first`."""
    if first is not None:
        _index_of(backbone_of(model), first)


def _index_of(backbone: keras.Model, first: str) -> int:
    if first == ALL:
        return 0
    names = [layer.name for layer in backbone.layers]
    if first not in names:
        near = difflib.get_close_matches(str(first), names, n=3, cutoff=0.5)
        raise ConfigError(
            found=f"unfrozen_from={first!r}, which is no layer of this backbone",
            expected=f"'all', or one of its {len(names)} layers from {names[0]!r} to {names[-1]!r}",
            fix=f"try {' or '.join(map(repr, near or ['all']))}; "
            "fingerspell.model.backbone_of(model).layers lists all",
        )
    return names.index(first)


def fold_temperature(model: keras.Model, temperature: float) -> None:
    """Folds temperature scaling into the weights of the logits: softmax((W x + b) / T).

    The top class of a single view never changes. Reference: Guo et al., On Calibration of Modern
    Neural Networks, ICML 2017.
    """
    layer = head_of(model).get_layer(LOGITS)
    layer.set_weights([w / temperature for w in layer.get_weights()])
