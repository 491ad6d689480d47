"""The house decodes JPEG as TensorFlow does, bit for bit: graph and runtime see the same pixels."""

from __future__ import annotations

import numpy as np
import pytest
import simplejpeg

from fingerspell.images import decode

tf = pytest.importorskip("tensorflow")


@pytest.mark.parametrize("chroma", ["444", "422", "420", "Gray"])
@pytest.mark.parametrize("quality", [35, 92])
@pytest.mark.parametrize("shape", [(64, 64), (53, 37)])
def test_decode_is_bit_identical_to_tensorflow(
    shape: tuple[int, int], quality: int, chroma: str
) -> None:
    cells = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    data = simplejpeg.encode_jpeg(
        cells[..., :1].copy() if chroma == "Gray" else cells,
        quality,
        "Gray" if chroma == "Gray" else "RGB",
        chroma,
    )
    theirs = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE").numpy()
    np.testing.assert_array_equal(decode(data), theirs)
