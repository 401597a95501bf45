"""timm and transformers, to compare with, where they are installed."""

import contextlib
import importlib
import warnings

import pytest


def peer_module(name):
    """A module such as "timm.layers.std_conv"; without its library the test is skipped."""
    torch = pytest.importorskip("torch", reason="compares with a library in PyTorch")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # They import torchvision, whose PyPI build does not load beside PyTorch's CPU build;
        # nothing of it is used here.
        patch.setattr(torch.library, "register_fake", lambda *_, **__: lambda function: function)
        warnings.simplefilter("ignore")
        # transformers imports it only when a model is asked for.
        with contextlib.suppress(ImportError):
            importlib.import_module("torchvision")
        return pytest.importorskip(name, reason=f"compares with {name.partition('.')[0]}")


def randomise(model, deviation=0.1):
    """Gives a PyTorch model weights that all matter, and ends its training mode."""
    import torch

    generator = torch.Generator().manual_seed(0)
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            around = 1.0 if value.ndim == 1 and name.endswith("weight") else 0.0
            value.copy_(around + torch.randn(value.shape, generator=generator) * deviation)
    return model.eval()
