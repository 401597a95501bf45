"""The initial weights of the published systems: those of PyTorch's layers, or normal ones."""

import math
from collections.abc import Iterator

import keras
from keras.initializers import RandomNormal, RandomUniform, VarianceScaling, Zeros

from keras_vit.backend.keras_private import flatten_layers


def start_as_pytorch(model: keras.Model) -> None:
    """Initialise the kernels and biases of Dense layers and convolutions as PyTorch does.

    They become uniform within 1/√fan_in of zero, the default of `torch.nn.Linear` and `Conv2d`.

    Args:
        model: built Keras model; its other weights do not change.
    """
    for layer in layers_with_kernels(model):
        # A variance of 1/(3 fan_in) is that of the uniform distribution within 1/√fan_in.
        draw(layer.kernel, VarianceScaling(1 / 3, "fan_in", "uniform"))
        if layer.use_bias:
            limit = math.prod(layer.kernel.shape[:-1]) ** -0.5
            draw(layer.bias, RandomUniform(-limit, limit))


def start_normal(model: keras.Model, stddev: float = 0.02) -> None:
    """Initialise the kernels of Dense layers from a normal distribution and their biases to zero.

    The distribution is that of PyTorch's `trunc_normal_`. That function cuts off at ±2, which is a
    hundred standard deviations and so cuts nothing. Keras's truncated normal distribution would cut
    off at two standard deviations. Convolutions start as PyTorch's do.

    Args:
        model: built Keras model; its other weights do not change.
        stddev: float, standard deviation of the kernels. Default: 0.02.
    """
    start_as_pytorch(model)
    for layer in layers_with_kernels(model, keras.layers.Dense):
        draw(layer.kernel, RandomNormal(stddev=stddev))
        if layer.use_bias:
            draw(layer.bias, Zeros())


def layers_with_kernels(
    model: keras.Model, classes=keras.layers.Dense | keras.layers.Conv2D
) -> Iterator[keras.layers.Layer]:
    """Yield the layers of some classes inside a model, except for quantised layers.

    A quantised layer belongs to a model that is being loaded, and gets its weights from the file.

    Args:
        model: built Keras model.
        classes: class or union of classes with `kernel` and `bias`. Default: Dense and Conv2D.
    """
    for layer in flatten_layers(model, include_self=False):
        if isinstance(layer, classes) and layer.quantization_mode is None:
            yield layer


def draw(variable, initializer: keras.initializers.Initializer) -> None:
    """Assign new values from an initializer to a Keras variable."""
    variable.assign(initializer(variable.shape, variable.dtype))
