"""Conversion between the array layouts of other libraries and those of Keras."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """A pair of functions that convert the arrays of one weight between two libraries.

    In Keras a Dense kernel is `(inputs, outputs)` and a convolution kernel is `(height, width,
    inputs, outputs)`. Queries, keys and values of this package share one kernel `(D, 3 D)`: the
    columns of all queries come first, then the keys, then the values, each of them head by head.

    Attributes:
        read: callable that takes one or several arrays of the other library and returns one array
            in Keras's layout.
        write: callable that takes an array in Keras's layout and returns a tuple of arrays of the
            other library, or `None` if this package does not write the layout. Default: None.
    """

    read: Callable[..., np.ndarray]
    write: Callable[[np.ndarray], tuple[np.ndarray, ...]] | None = None


class Rule(NamedTuple):
    """The rule by which tensors of a checkpoint become one weight of a model.

    Attributes:
        tensor_names: tuple of str, names of the tensors.
        weight_path: str, path of the weight in the model, such as `block_0/norm_1/gamma`.
        layout: `Layout`, how the arrays are converted.
    """

    tensor_names: tuple[str, ...]
    weight_path: str
    layout: Layout


def transposed(array):
    return (array.T,)


def joined_kernels(*kernels):
    return np.concatenate([kernel.reshape(len(kernel), -1) for kernel in kernels], axis=1)


def joined_biases(*biases):
    return np.concatenate([bias.reshape(-1) for bias in biases])


SAME = Layout(lambda array: array, lambda array: (array,))

# PyTorch: a Linear weight is (outputs, inputs), a Conv2d weight (outputs, inputs, height, width).
LINEAR = Layout(lambda weight: weight.T, transposed)
CONV = Layout(
    lambda weight: weight.transpose(2, 3, 1, 0), lambda kernel: (kernel.transpose(3, 2, 0, 1),)
)
QKV_WEIGHTS = Layout(
    lambda *weights: joined_kernels(*(weight.T for weight in weights)),
    lambda kernel: tuple(part.T for part in np.split(kernel, 3, axis=1)),
)
QKV_BIASES = Layout(joined_biases, lambda bias: tuple(np.split(bias, 3)))

# Flax: the kernels of queries, keys and values are (D, heads, D / heads); the kernel of the output
# projection is (heads, D / heads, D).
FLAX_QKV_KERNELS = Layout(joined_kernels)
FLAX_QKV_BIASES = Layout(joined_biases)
FLAX_OUT_KERNEL = Layout(lambda kernel: kernel.reshape(-1, kernel.shape[-1]))
# The published hybrids come from the Flax of 2020, where the weights of GroupNorm are
# (1, 1, 1, channels).
FLAX_NORM = Layout(lambda values: values.reshape(-1))
# Flax embeds patches by a convolution. Here a Dense layer embeds the flattened patches, and its
# inputs are (height, width, channels) in this order.
FLAX_PATCHES = Layout(lambda kernel: kernel.reshape(-1, kernel.shape[-1]))


def torch_patches(patch_size: tuple[int, int], channels: int) -> Layout:
    """Return the layout that converts a Conv2d weight to a Dense kernel on flattened patches.

    Args:
        patch_size: tuple (height, width) in pixels.
        channels: int, channels of the image.

    Returns:
        A `Layout`.
    """

    def write(kernel):
        return CONV.write(kernel.reshape(*patch_size, channels, -1))

    return Layout(lambda weight: FLAX_PATCHES.read(CONV.read(weight)), write)
