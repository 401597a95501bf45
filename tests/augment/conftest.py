"""Photographs with torchvision's results, and compiled calls, for the augmentation tests."""

from pathlib import Path

import keras
import numpy as np
import pytest


@pytest.fixture(scope="session")
def expected():
    """Photographs and torchvision's results for them, from make_torchvision_expected.py."""
    path = Path(__file__).with_name("torchvision_expected.npz")
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


@pytest.fixture
def photographs(expected):
    """Four photographs, an array (4, 32, 32, 3) uint8."""
    return expected["photographs"]


@pytest.fixture(scope="session")
def compiled():
    """A function that compiles a layer's training call, as `fit` does on this backend."""
    return {"tensorflow": _tensorflow, "jax": _jax, "torch": lambda layer: layer}[
        keras.backend.backend()
    ]


def _tensorflow(layer):
    import tensorflow as tf

    return tf.function(lambda images: layer(images, training=True), jit_compile=True)


def _jax(layer):
    import jax

    layer(np.zeros((2, 32, 32, 3), "float32"))
    call = jax.jit(lambda state, images: layer.stateless_call([], state, images, training=True))
    state = [variable.value for variable in layer.non_trainable_variables]

    def run(images):
        nonlocal state
        outputs, state = call(state, images)
        return outputs

    return run
