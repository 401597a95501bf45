"""Gradients on the current backend, which `keras.ops` can't compute."""

import importlib
from collections.abc import Callable

import keras


def gradients(function: Callable, tensors: list) -> list:
    """Compute the gradients of a scalar function with respect to its arguments.

    Args:
        function: function that takes the tensors and returns a scalar tensor.
        tensors: list of float tensors of the backend.

    Returns:
        A list of tensors, each with the shape of its argument.
    """
    backend = keras.backend.backend()
    module = importlib.import_module(f"keras_vit.backend.gradients_{backend}")
    return module.gradients(function, tensors)
