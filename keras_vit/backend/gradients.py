"""Gradients on whichever backend runs: the one thing that keras.ops has no name for."""

import importlib

import keras


def gradients(function, tensors):
    """Gradients of a sum of outputs with regard to the inputs.

    Args:
        function: takes the tensors and gives a scalar.
        tensors: list of the backend's float tensors.

    Returns:
        A list of tensors, each shaped as its input.
    """
    backend = keras.backend.backend()
    module = importlib.import_module(f"keras_vit.backend.gradients_{backend}")
    return module.gradients(function, tensors)
