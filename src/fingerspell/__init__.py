"""From class-sorted photographs of ASL handshapes to a recogniser proven on unseen signers."""

import os

__version__ = "0.1.0"

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
"""TensorFlow leaves oneDNN's kernels out on processors without AVX-512 VNNI and the like, where
they train twice as fast, too. It reads this once, on its import: docs/adr/0014-onednn.md."""
