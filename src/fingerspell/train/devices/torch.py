"""GPUs under PyTorch (also on native Windows)."""

from __future__ import annotations


def prepare_gpus() -> list[str]:
    """Returns the names of the GPUs; PyTorch takes memory as it needs it."""
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def mixed_precision() -> str:
    """Returns the policy to use: half precision needs tensor cores (compute capability 7.0)."""
    import torch

    return "mixed_float16" if torch.cuda.get_device_capability()[0] >= 7 else "float32"
