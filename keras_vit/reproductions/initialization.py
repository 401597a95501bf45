"""How the published systems' weights start: as PyTorch's layers do, or normal."""

import math

import keras
from keras.initializers import RandomNormal, RandomUniform, VarianceScaling, Zeros

from keras_vit.backend.keras_private import flatten_layers


def start_as_pytorch(model):
    """Draws every Dense and convolution kernel and bias anew, as PyTorch's layers do.

    Uniform within 1/√fan_in of zero, the default of `torch.nn.Linear` and `Conv2d`.

    Args:
        model: a built model; its other weights stay.
    """
    for layer in layers_with_kernels(model):
        # A variance of 1/(3 fan_in) is that of the uniform distribution within 1/√fan_in.
        draw(layer.kernel, VarianceScaling(1 / 3, "fan_in", "uniform"))
        if layer.use_bias:
            limit = math.prod(layer.kernel.shape[:-1]) ** -0.5
            draw(layer.bias, RandomUniform(-limit, limit))


def start_normal(model, stddev=0.02):
    """Draws Dense kernels anew from a normal distribution; biases are 0.

    It stands for PyTorch's `trunc_normal_`, which cuts off at ±2, a hundred deviations away;
    Keras's cuts off at two deviations. Convolutions start as PyTorch's do.

    Args:
        model: a built model; its other weights stay.
        stddev: of the kernels.
    """
    start_as_pytorch(model)
    for layer in layers_with_kernels(model, keras.layers.Dense):
        draw(layer.kernel, RandomNormal(stddev=stddev))
        if layer.use_bias:
            draw(layer.bias, Zeros())


def layers_with_kernels(model, kinds=keras.layers.Dense | keras.layers.Conv2D):
    for layer in flatten_layers(model, include_self=False):
        is_one = isinstance(layer, kinds)
        if is_one and layer.quantization_mode is None:  # whose weights are about to be loaded
            yield layer


def draw(variable, initializer):
    variable.assign(initializer(variable.shape, variable.dtype))
