"""The published blocks beside the same thing said with PyTorch's layers."""

import numpy as np
import pytest
from keras import ops

from keras_vit.models.published import (
    FeatureAttention,
    FlatBlock,
    KunBlock,
    OneNormBlock,
)

torch = pytest.importorskip("torch")

TOKENS = np.random.default_rng(0).normal(size=(3, 5, 16)).astype("float32")
VECTORS, MEMORY = np.random.default_rng(1).normal(size=(2, 3, 24)).astype("float32")


def value(x):
    return torch.tensor(ops.convert_to_numpy(x))


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


def feature_attention(layer, x, memory):
    """Head by head and feature by feature, as the words say it."""
    query, key, value_ = (
        linear(layer.query, x),
        linear(layer.key, memory),
        linear(layer.value, memory),
    )
    out = torch.zeros_like(x)
    width = x.shape[1] // layer.num_heads
    for head in range(layer.num_heads):
        part = slice(head * width, (head + 1) * width)
        for i in range(part.start, part.stop):
            weights = torch.softmax(query[:, i, None] * key[:, part] / x.shape[1] ** 0.5, dim=-1)
            out[:, i] = (weights * value_[:, part]).sum(-1)
    return linear(layer.projection, out)


@pytest.mark.parametrize("memory", [None, MEMORY])
def test_feature_attention(memory):
    layer = FeatureAttention(3)
    ours = layer(VECTORS) if memory is None else layer(VECTORS, memory)
    other = torch.tensor(VECTORS if memory is None else memory)
    close(ours, feature_attention(layer, torch.tensor(VECTORS), other))


def test_flat_block_with_memory():
    block = FlatBlock(3)
    block(VECTORS, MEMORY)
    disturb(block)
    x, memory = torch.tensor(VECTORS), norm(block.norm_memory, torch.tensor(MEMORY))
    x = x + feature_attention(block.attention, norm(block.norm_1, x), memory)
    close(block(VECTORS, MEMORY), x + gelu_mlp(block.mlp, norm(block.norm_2, x)))
