"""What PyTorch says of the CPU and the GPU."""

import torch


def multiplies_bfloat16():
    """Whether the CPU has instructions for products of bfloat16 that PyTorch uses."""
    known = torch.cpu.get_capabilities()
    return any(known.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def compute_capability():
    """`(major, minor)` of the GPU, None of one that is not NVIDIA's."""
    return torch.cuda.get_device_capability() if torch.version.cuda else None
