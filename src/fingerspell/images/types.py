"""Array types of pictures."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]
"""uint8 (H, W, 3) RGB, as decoded."""

Grey: TypeAlias = NDArray[np.uint8]
"""uint8 (H, W) luma."""

Planes: TypeAlias = NDArray[np.float32]
"""float32 (h, w, 3) RGB in [0, 1], as a network takes it."""
