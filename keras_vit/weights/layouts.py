"""How tensors of other libraries lie, beside ours: one pair of functions for each way.

Ours are Keras's: a Dense kernel is (inputs, outputs), a convolution's (height, width, inputs,
outputs); queries, keys and values are one kernel (D, 3 D), in this order, head by head.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """One way for tensors to lie.

    Attributes:
        read: our array of theirs, of which there may be several.
        write: a tuple of theirs of ours; None where nothing is written that way.
    """

    read: Callable
    write: Callable | None = None


class Rule(NamedTuple):
    """Which of their tensors make up one of our weights.

    Attributes:
        theirs: their names.
        ours: path of our weight.
        layout: how they lie.
    """

    theirs: tuple[str, ...]
    ours: str
    layout: Layout


def swapped(array):
    return (array.T,)


def joined_kernels(*kernels):
    return np.concatenate([kernel.reshape(len(kernel), -1) for kernel in kernels], axis=1)


def joined_biases(*biases):
    return np.concatenate([bias.reshape(-1) for bias in biases])


SAME = Layout(lambda array: array, lambda array: (array,))

# PyTorch: a Linear weight is (outputs, inputs), a Conv2d weight (outputs, inputs, height, width).
LINEAR = Layout(lambda weight: weight.T, swapped)
CONV = Layout(
    lambda weight: weight.transpose(2, 3, 1, 0), lambda kernel: (kernel.transpose(3, 2, 0, 1),)
)
QKV_WEIGHTS = Layout(
    lambda *weights: joined_kernels(*(weight.T for weight in weights)),
    lambda kernel: tuple(part.T for part in np.split(kernel, 3, axis=1)),
)
QKV_BIASES = Layout(joined_biases, lambda bias: tuple(np.split(bias, 3)))

# Flax: queries, keys and values are (D, heads, D / heads), the way out (heads, D / heads, D).
FLAX_QKV_KERNELS = Layout(joined_kernels)
FLAX_QKV_BIASES = Layout(joined_biases)
FLAX_OUT_KERNEL = Layout(lambda kernel: kernel.reshape(-1, kernel.shape[-1]))
# GroupNorm's, (1, 1, 1, channels) in the Flax of 2020 that the published hybrids are of.
FLAX_NORM = Layout(lambda values: values.reshape(-1))
# A convolution's kernel, whose patches are Dense inputs here, (height, width, channels) flattened.
FLAX_PATCHES = Layout(lambda kernel: kernel.reshape(-1, kernel.shape[-1]))


def torch_patches(patch_size, channels):
    """A Conv2d weight as the kernel of a Dense layer on flattened patches."""

    def write(kernel):
        return CONV.write(kernel.reshape(*patch_size, channels, -1))

    return Layout(lambda weight: FLAX_PATCHES.read(CONV.read(weight)), write)
