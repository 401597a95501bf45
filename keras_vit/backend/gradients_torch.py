"""Gradients by PyTorch."""

import torch


def gradients(function, tensors):
    tensors = [tensor.detach().requires_grad_() for tensor in tensors]
    with torch.enable_grad():
        return list(torch.autograd.grad(function(*tensors), tensors))
