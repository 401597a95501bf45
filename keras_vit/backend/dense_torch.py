"""The product of a Dense layer by PyTorch's own kernel."""

import torch


def affine(x, kernel, bias):
    """Compute `dense.affine` for PyTorch's tensors.

    Args:
        x: float tensor `(..., D)`.
        kernel: tensor `(D, units)` of the type of `x`; it is read in place, without a copy.
        bias: tensor `(units,)` of the type of `x`, or None for no bias.

    Returns:
        Tensor `(..., units)`.
    """
    return torch.nn.functional.linear(x, kernel.T, bias)
