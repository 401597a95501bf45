"""timm, to compare with, where it is installed."""

import warnings

import pytest


def timm_module(name):
    """A module of timm, such as "timm.layers.std_conv"; without timm the test is skipped."""
    torch = pytest.importorskip("torch", reason="compares with timm")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # timm imports torchvision, whose PyPI build does not load beside PyTorch's CPU build;
        # nothing of it is used here.
        patch.setattr(torch.library, "register_fake", lambda *_, **__: lambda function: function)
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason="compares with timm")
