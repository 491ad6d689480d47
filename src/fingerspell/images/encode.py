"""RGB to JPEG bytes, the way back from `decode`."""

from __future__ import annotations

import numpy as np
import simplejpeg

from fingerspell.images.types import Pixels


def encode_jpeg(rgb: Pixels, quality: int = 90) -> bytes:
    """Returns baseline JPEG bytes with chroma at half resolution (4:2:0), as cameras write it."""
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(rgb), quality=quality, colorspace="RGB", colorsubsampling="420"
    )
    return data
