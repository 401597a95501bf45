"""Gradients by PyTorch."""

from collections.abc import Callable

import torch


def gradients(function: Callable, tensors: list) -> list:
    """Compute `gradients.gradients` on PyTorch."""
    tensors = [tensor.detach().requires_grad_() for tensor in tensors]
    with torch.enable_grad():
        return list(torch.autograd.grad(function(*tensors), tensors))
