"""The hardware that PyTorch reports."""

import torch


def multiplies_bfloat16() -> bool:
    """Return whether PyTorch can multiply bfloat16 by instructions of the CPU."""
    known = torch.cpu.get_capabilities()
    return any(known.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def compute_capability() -> tuple[int, int] | None:
    """Return `(major, minor)` of the first GPU, or None for a GPU that is not NVIDIA's."""
    return torch.cuda.get_device_capability() if torch.version.cuda else None
