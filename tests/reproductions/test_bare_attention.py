import numpy as np
import pytest
from keras import ops
from scipy.special import softmax

from keras_vit.reproductions import BareAttention, BareAttentionBlock

pytestmark = pytest.mark.backends

X = np.random.default_rng(0).normal(size=(2, 7, 16)).astype("float32")


@pytest.mark.parametrize(("scaled", "scale"), [(True, 0.5), (False, 1.0)])
def test_the_heads_values_side_by_side_are_the_output(scaled, scale):
    layer = BareAttention(4, scaled=scaled)
    fused = ops.convert_to_numpy(layer(X))
    y, scores = layer(X, return_attention_scores=True)
    qkv = X @ ops.convert_to_numpy(layer.qkv.kernel) + ops.convert_to_numpy(layer.qkv.bias)
    query, key, value = (
        part.reshape(2, 7, 4, 4).transpose(0, 2, 1, 3) for part in np.split(qkv, 3, axis=-1)
    )
    weights = softmax(scale * (query @ key.transpose(0, 1, 3, 2)), axis=-1)
    expected = (weights @ value).transpose(0, 2, 1, 3).reshape(X.shape)
    np.testing.assert_allclose(fused, expected, atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(y), expected, atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(scores), weights, atol=1e-5)
    assert {w.path.split("/")[-2] for w in layer.weights if w.trainable} == {"qkv"}


def test_a_block_is_two_residual_branches_around_the_bare_attention():
    block = BareAttentionBlock(4, 32, scaled=False)
    y = ops.convert_to_numpy(block(X))
    assert isinstance(block.attention, BareAttention)
    assert block.attention.scale == 1.0
    attended = X + ops.convert_to_numpy(block.attention(block.norm_1(X)))
    expected = attended + ops.convert_to_numpy(block.mlp(block.norm_2(attended)))
    np.testing.assert_allclose(y, expected, atol=1e-5)
