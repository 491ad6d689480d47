"""JPEG bytes to network input inside a TensorFlow graph: `images.fit` once more, in graph ops.

The resize is two small matrices, `rows @ picture @ columns'`, built in float64. TensorFlow's own
`area` kernel steps through the picture in float32 and strays 2e-5 from OpenCV's; the matrices
stay within 1e-6, and the black border costs nothing because only the columns that meet the
picture are multiplied.
"""

from __future__ import annotations

from typing import Any

SLIVER = 1e-3
"""OpenCV's INTER_AREA leaves out a pixel of which less than this share is covered."""


def decode(jpeg: Any) -> Any:
    """Returns uint8 (H, W, 3) RGB of a scalar string. EXIF orientation is not looked at."""
    import tensorflow as tf

    return tf.io.decode_jpeg(jpeg, channels=3, dct_method="INTEGER_ACCURATE")


def padded_side(side: Any, other: Any, ratio: float) -> Any:
    """Returns the length (int32) that `side` is padded to: `max(side, round(other * ratio))`.

    `ratio` is wanted side / wanted other side; halves round to even, as in Python.
    """
    import tensorflow as tf

    wanted = tf.cast(tf.round(tf.cast(other, tf.float64) * ratio), tf.int32)
    return tf.maximum(side, wanted)


def area_weights(source: Any, target: int) -> Any:
    """Returns float64 (target, source): the share of each source pixel in each target pixel.

    weight(i, j) = |[i s, (i + 1) s] with [j, j + 1]| / s,   s = source / target
    """
    import tensorflow as tf

    scale = tf.cast(source, tf.float64) / target
    start = tf.range(target, dtype=tf.float64)[:, None] * scale
    pixel = tf.cast(tf.range(source), tf.float64)[None, :]
    covered = tf.minimum(start + scale, pixel + 1) - tf.maximum(start, pixel)
    return tf.where(covered > SLIVER, covered, tf.zeros_like(covered)) / scale


def bilinear_weights(source: Any, target: int) -> Any:
    """Returns float64 (target, source): half-pixel centres, the border pixel repeated.

    weight(i, j) = max(0, 1 - |clip((i + 1/2) s - 1/2, 0, source - 1) - j|),   s = source / target
    """
    import tensorflow as tf

    length = tf.cast(source, tf.float64)
    centre = (tf.range(target, dtype=tf.float64) + 0.5) * (length / target) - 0.5
    centre = tf.clip_by_value(centre, 0.0, length - 1)
    pixel = tf.cast(tf.range(source), tf.float64)
    return tf.nn.relu(1 - tf.abs(centre[:, None] - pixel[None, :]))


def side_weights(padded: Any, present: Any, target: int, shrink: Any) -> Any:
    """Returns float32 (target, present): resize weights of one side, its black border left out."""
    import tensorflow as tf

    # Both are a few kilobytes: choosing by value keeps control flow out of the frozen graph.
    weights = tf.where(shrink, area_weights(padded, target), bilinear_weights(padded, target))
    before = (padded - present) // 2
    return tf.cast(weights[:, before : before + present], tf.float32)


def fit(rgb: Any, size_px: tuple[int, int]) -> Any:
    """Returns float32 (h, w, 3) in [0, 1] of uint8 (H, W, 3), as `images.fit` does.

    Padded with black to the aspect ratio (the odd pixel goes below and to the right), then
    area-averaged where a side shrinks and bilinear where both grow.
    """
    import tensorflow as tf

    height, width = size_px
    shape = tf.shape(rgb)
    tall = padded_side(shape[0], shape[1], height / width)
    wide = padded_side(shape[1], shape[0], width / height)
    shrink = tf.logical_or(tall > height, wide > width)
    rows = side_weights(tall, shape[0], height, shrink)
    columns = side_weights(wide, shape[1], width, shrink)
    pixels = tf.cast(rgb, tf.float32) / 255.0
    fitted = tf.einsum("wc,hcd->hwd", columns, tf.einsum("hr,rcd->hcd", rows, pixels))
    # Sums of rounded weights may leave the range by 1e-7.
    return tf.ensure_shape(tf.clip_by_value(fitted, 0.0, 1.0), (height, width, 3))


def picture(jpeg: Any, size_px: tuple[int, int]) -> Any:
    """Returns the network input, float32 (h, w, 3) in [0, 1], of one JPEG (scalar string)."""
    return fit(decode(jpeg), size_px)
