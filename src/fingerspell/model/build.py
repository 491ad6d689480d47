"""Builds the recogniser: picture in [0, 1] → backbone → head → probabilities."""

from __future__ import annotations

import keras

from fingerspell.config import ModelConfig

SCALING = "to_plus_minus_one"
BACKBONE = "backbone"
DROPOUT = "dropout"
LOGITS = "logits"
PROBABILITIES = "probabilities"


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
        input_shape=(*config.image_size_px, 3),
        pooling="avg",
        name=BACKBONE,
    )


def build_head(classes: int, dropout: float, features: int) -> keras.Model:
    """Returns the classifier: features (N, F) → probabilities (N, classes), always float32."""
    inputs = keras.Input((features,), name="features")
    x = keras.layers.Dropout(dropout, name=DROPOUT)(inputs)
    x = keras.layers.Dense(classes, dtype="float32", name=LOGITS)(x)
    x = keras.layers.Softmax(dtype="float32", name=PROBABILITIES)(x)
    return keras.Model(inputs, x, name="head")


def build_recogniser(config: ModelConfig, classes: int) -> keras.Model:
    """Returns the whole network with random weights.

    Input `image`: RGB float32 in [0, 1], shape (N, H, W, 3). Output: float32 probabilities
    (N, classes), also under a mixed-precision policy. The model is named after its backbone. It
    looks once, as it learns; `look_closer` is for the answers of one whose settings ask for it.
    """
    image = keras.Input((*config.image_size_px, 3), name="image")
    x = keras.layers.Rescaling(2.0, offset=-1.0, name=SCALING)(image)
    backbone = build_backbone(config)
    head = build_head(classes, config.dropout, int(backbone.output_shape[-1]))
    return keras.Model(image, head(backbone(x)), name=config.backbone)
