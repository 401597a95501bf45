"""StdConv2D against its formula and against timm."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vit import StdConv2D
from tests.peers import peer_module

X = np.random.default_rng(0).normal(size=(2, 9, 6, 3)).astype("float32")


def random_kernel(layer):
    """Give each output channel's weights a mean and a deviation of their own."""
    rng = np.random.default_rng(1)
    shape = layer.kernel.shape
    values = rng.normal(rng.normal(size=shape[-1]), rng.uniform(0.1, 3, shape[-1]), shape)
    layer.kernel.assign(values.astype("float32"))
    return ops.convert_to_numpy(layer.kernel)


@pytest.mark.backends
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_it_is_a_convolution_with_each_output_channels_weights_standardised(policy):
    layer = StdConv2D(8, 3, strides=2, padding="same", epsilon=0.1, dtype=policy)
    layer.build(X.shape)
    kernel = random_kernel(layer).astype("float64")
    columns = kernel.reshape(-1, 8)
    standardised = (columns - columns.mean(axis=0)) / (columns.std(axis=0) + 0.1)
    plain = keras.layers.Conv2D(8, 3, strides=2, padding="same", dtype=policy)
    plain.build(X.shape)
    plain.kernel.assign(standardised.reshape(kernel.shape).astype("float32"))
    y, expected = (ops.cast(part(X), "float32") for part in (layer, plain))
    np.testing.assert_allclose(
        ops.convert_to_numpy(y), ops.convert_to_numpy(expected), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize(("size", "stride"), [(7, 2), (3, 1), (3, 2), (1, 2)])
def test_it_agrees_with_timm_and_its_padding(size, stride):
    std_conv = peer_module("timm.layers.std_conv")
    import torch

    layer = StdConv2D(8, size, strides=stride, padding="same", use_bias=False)
    layer.build(X.shape)
    theirs = std_conv.StdConv2dSame(3, 8, size, stride=stride, eps=1e-8)
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(random_kernel(layer).transpose(3, 2, 0, 1)))
        expected = theirs(torch.tensor(X.transpose(0, 3, 1, 2))).numpy()
    y = ops.convert_to_numpy(layer(X))
    # The two epsilons differ by at most 1e-5, and the deviations are at least 0.1.
    np.testing.assert_allclose(y, expected.transpose(0, 2, 3, 1), rtol=2e-4, atol=1e-4)
