"""GPUs under JAX (fast on Linux)."""

from __future__ import annotations


def prepare_gpus() -> list[str]:
    """Returns the names of the GPUs.

    JAX reserves most of the memory at its start unless XLA_PYTHON_CLIENT_PREALLOCATE=false is
    set before it is imported; the command line does that.
    """
    import jax

    return [str(d.device_kind) for d in jax.devices() if d.platform == "gpu"]


def mixed_precision() -> str:
    """Returns the policy to use: bfloat16 needs no loss scaling and runs on every JAX GPU."""
    return "mixed_bfloat16"
