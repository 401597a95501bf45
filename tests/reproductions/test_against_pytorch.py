"""The published blocks beside the same thing said with PyTorch's layers."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from keras_vit.reproductions import (
    FeatureAttention,
    FlatBlock,
    HashedDropout,
    KunBlock,
    OneNormBlock,
)

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.backends

TOKENS = np.random.default_rng(0).normal(size=(3, 5, 16)).astype("float32")
VECTORS, MEMORY = np.random.default_rng(1).normal(size=(2, 3, 24)).astype("float32")


def value(x):
    """A tensor of ours as one of PyTorch's on the host; its own stay in the graph."""
    return x if isinstance(x, torch.Tensor) else torch.tensor(ops.convert_to_numpy(x))


def ones(shape, dropout):
    """What a dropout layer makes of ones: its mask."""
    return value(dropout(np.ones(shape, "float32"), training=True))


def linear(dense, x):
    y = x @ value(dense.kernel)
    return y + value(dense.bias) if dense.use_bias else y


def norm(layer, x):
    shape, scale, offset = x.shape[-1:], value(layer.gamma), value(layer.beta)
    return torch.nn.functional.layer_norm(x, shape, scale, offset, layer.epsilon)


def attended(layer, x):
    """`torch.nn.MultiheadAttention` with the layer's weights."""
    peer = torch.nn.MultiheadAttention(x.shape[-1], layer.num_heads, batch_first=True)
    with torch.no_grad():
        peer.in_proj_weight.copy_(value(layer.qkv.kernel).T)
        peer.in_proj_bias.copy_(value(layer.qkv.bias))
        peer.out_proj.weight.copy_(value(layer.projection.kernel).T)
        peer.out_proj.bias.copy_(value(layer.projection.bias))
        return peer(x, x, x)


def gelu_mlp(mlp, x):
    return linear(mlp.dense_2, torch.nn.functional.gelu(linear(mlp.dense_1, x)))


def disturb(layer):
    """Norms and biases that do something."""
    rng = np.random.default_rng(2)
    for variable in layer.trainable_variables:
        variable.assign(variable + 0.3 * rng.normal(size=variable.shape))


def close(ours, theirs):
    np.testing.assert_allclose(ops.convert_to_numpy(ours), theirs.numpy(), rtol=0, atol=2e-5)


def test_one_norm_block():
    block = OneNormBlock(4, 24)
    block.build(TOKENS.shape)
    disturb(block)
    x = norm(block.norm, torch.tensor(TOKENS))
    y, weights = attended(block.attention, x)
    x = x + y
    ours, scores = block(TOKENS, return_attention_scores=True)
    close(ours, x + gelu_mlp(block.mlp, x))
    close(ops.mean(scores, axis=1), weights)
    close(block(TOKENS), x + gelu_mlp(block.mlp, x))


def test_kun_block():
    block = KunBlock(4, 24, layer_norm_epsilon=1e-5)
    block.build(TOKENS.shape)
    disturb(block)
    x = torch.tensor(TOKENS)
    x = x + attended(block.attention, norm(block.norm_1, x))[0]
    y = torch.nn.functional.gelu(gelu_mlp(block.mlp, norm(block.norm_2, x)))
    close(block(TOKENS), x + y)


def feature_attention(layer, x, memory, mask=1.0):
    """Head by head and feature by feature, as the words say it.

    `mask` (B, heads, width, width) multiplies the weights.
    """
    query, key, value_ = (
        linear(layer.query, x),
        linear(layer.key, memory),
        linear(layer.value, memory),
    )
    out = torch.zeros_like(x)
    width = x.shape[1] // layer.num_heads
    mask = torch.as_tensor(mask).expand(len(x), layer.num_heads, width, width)
    for head in range(layer.num_heads):
        part = slice(head * width, (head + 1) * width)
        for i in range(part.start, part.stop):
            weights = torch.softmax(query[:, i, None] * key[:, part] / x.shape[1] ** 0.5, dim=-1)
            weights = weights * mask[:, head, i - part.start]
            out[:, i] = (weights * value_[:, part]).sum(-1)
    return linear(layer.projection, out)


@pytest.mark.parametrize("memory", [None, MEMORY])
def test_feature_attention(memory):
    layer = FeatureAttention(3)
    ours = layer(VECTORS) if memory is None else layer(VECTORS, memory)
    other = torch.tensor(VECTORS if memory is None else memory)
    close(ours, feature_attention(layer, torch.tensor(VECTORS), other))


def test_feature_attention_drops_weights_after_the_softmax():
    layer = FeatureAttention(3, dropout=0.4, seed=7)
    ours = layer(VECTORS, training=True)
    mask = ones((3, 3, 8, 8), HashedDropout(0.4, layer.drop_weights.seed))
    expected = feature_attention(layer, torch.tensor(VECTORS), torch.tensor(VECTORS), mask)
    close(ours, expected * ones(VECTORS.shape, keras.layers.Dropout(0.4, seed=layer.drop.seed)))


def test_feature_attention_of_scores_beyond_what_exp_can_take():
    layer = FeatureAttention(3)
    layer.build(VECTORS.shape)
    for part in (layer.query, layer.key):
        part.kernel.assign(100 * part.kernel)  # scores to some thousands, of both signs
    x = torch.tensor(VECTORS)
    close(layer(VECTORS), feature_attention(layer, x, x))


def test_feature_attention_has_the_softmaxs_gradient():
    layer = FeatureAttention(3)
    model = keras.Sequential([keras.Input((24,)), layer])
    twin = SimpleNamespace(num_heads=3)
    for part in ("query", "key", "value", "projection"):
        dense = getattr(layer, part)
        names = ("kernel", "bias") if dense.use_bias else ("kernel",)
        leaves = {name: value(getattr(dense, name)).requires_grad_() for name in names}
        setattr(twin, part, SimpleNamespace(use_bias=dense.use_bias, **leaves))
    x = torch.tensor(VECTORS)
    feature_attention(twin, x, x).square().mean().backward()
    model.compile(keras.optimizers.SGD(1.0), "mean_squared_error")
    model.train_on_batch(VECTORS, np.zeros_like(VECTORS))
    for variable in layer.trainable_variables:
        part, name = variable.path.split("/")[-2:]
        tensor = getattr(getattr(twin, part), name)
        step = tensor.detach() - value(variable)  # at a rate of 1: the gradient
        np.testing.assert_allclose(step, tensor.grad, rtol=0, atol=1e-6, err_msg=variable.path)


def test_flat_block_with_memory():
    block = FlatBlock(3)
    block(VECTORS, MEMORY)
    disturb(block)
    x, memory = torch.tensor(VECTORS), norm(block.norm_memory, torch.tensor(MEMORY))
    x = x + feature_attention(block.attention, norm(block.norm_1, x), memory)
    close(block(VECTORS, MEMORY), x + gelu_mlp(block.mlp, norm(block.norm_2, x)))
