"""Type aliases of arrays; shapes stand in the docstrings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# OpenCV's stubs give every result the widest element type, so ours cannot be narrower.
Floats = NDArray[Any]
Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]

GAMMA = 2.2
"""Of the display: linear light = value ** GAMMA."""
