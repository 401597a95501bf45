"""Attention against its formula, against Keras's own layer, and between its ways of attending."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import softmax

from keras_vit import MultiHeadSelfAttention, TransformerBlock
from keras_vit.layers.attention import fused_attention, fused_kernel_is_slow
from keras_vit.layers.relative_position_bias import offset_index
from keras_vit.layers.rotary import rotary_tables, rotate
from tests.helpers import disturbed, numpy_of

pytestmark = pytest.mark.backends
on_pytorch = pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="the function takes PyTorch's tensors"
)

X = np.random.default_rng(0).normal(size=(2, 7, 16)).astype("float32")


def reference(layer, x, bias=0.0):
    """Compute softmax(Q K^T / sqrt(d)) V from the weights, in float64."""
    heads, dim = layer.num_heads, x.shape[-1]
    qkv = x @ numpy_of(layer.qkv.kernel.value) + numpy_of(layer.qkv.bias.value)
    query, key, value = (
        part.reshape(*x.shape[:2], heads, dim // heads).transpose(0, 2, 1, 3)
        for part in np.split(qkv.astype("float64"), 3, axis=-1)
    )
    weights = softmax(query @ key.transpose(0, 1, 3, 2) / np.sqrt(dim // heads) + bias, axis=-1)
    merged = (weights @ value).transpose(0, 2, 1, 3).reshape(x.shape)
    kernel, out_bias = layer.projection.kernel.value, layer.projection.bias.value
    return merged @ numpy_of(kernel) + numpy_of(out_bias), weights


def test_output_and_scores_are_plain_attention_from_the_weights():
    layer = MultiHeadSelfAttention(4)
    fused = numpy_of(layer(X))
    y, scores = layer(X, return_attention_scores=True)
    expected_y, expected_scores = reference(layer, X)
    np.testing.assert_allclose(fused, expected_y, atol=1e-5)
    np.testing.assert_allclose(numpy_of(y), expected_y, atol=1e-5)
    np.testing.assert_allclose(numpy_of(scores), expected_scores, atol=1e-6)


def test_an_offset_is_added_to_the_attention_weights():
    layer = MultiHeadSelfAttention(4)
    _, scores = layer(X, return_attention_scores=True)
    offset = np.random.default_rng(1).normal(size=scores.shape).astype("float32")
    y, moved = layer(X, return_attention_scores=True, scores_offset=offset)
    np.testing.assert_allclose(numpy_of(moved), numpy_of(scores) + offset, atol=1e-6)
    value = numpy_of(layer.qkv(X))[..., 32:].reshape(2, 7, 4, 4)
    merged = np.einsum("bhqk,bkhd->bqhd", numpy_of(moved), value).reshape(2, 7, 16)
    np.testing.assert_allclose(numpy_of(y), numpy_of(layer.projection(merged)), atol=1e-5)
    np.testing.assert_array_equal(numpy_of(layer(X, scores_offset=offset)), numpy_of(y))


QUERIES = {
    "plain": {},
    "norm": {"qk_norm": True, "dropout": 0.5},
    "rotary": {"relative_positions": "rotary"},
    "bias": {"relative_positions": "bias"},
}


@pytest.mark.parametrize("how", ["fused", "scores", "bfloat16", "int8", "lora"])
@pytest.mark.parametrize("options", QUERIES.values(), ids=QUERIES)
def test_fewer_queries_give_the_first_rows_of_the_same(options, how):
    dtype = "mixed_bfloat16" if how == "bfloat16" else "float32"
    layer = MultiHeadSelfAttention(4, grid=(2, 3), num_prefix_tokens=1, dtype=dtype, **options)
    layer.build(X.shape)
    disturbed(layer, 0.3)
    if how == "int8":
        layer.qkv.quantize("int8")
        layer.projection.quantize("int8")
    if how == "lora":
        layer.qkv.enable_lora(2)
        factor = layer.qkv.lora_kernel_b
        factor.assign(np.random.default_rng(1).normal(size=factor.shape))
    arguments = {"return_attention_scores": how == "scores"}
    every, some = layer(X, **arguments), layer(X, num_queries=2, **arguments)
    if how == "scores":
        (every, scores), (some, asked) = every, some
        np.testing.assert_allclose(numpy_of(asked), numpy_of(scores)[:, :, :2], atol=1e-6)
    assert some.shape == (2, 2, 16)
    every, some = (numpy_of(ops.cast(y, "float32")) for y in (every, some))
    tolerance = 0.02 if how == "bfloat16" else 1e-5
    np.testing.assert_allclose(some, every[:, :2], atol=tolerance * np.abs(every).max())


def test_it_is_keras_multi_head_attention_with_the_same_weights():
    ours = MultiHeadSelfAttention(4)
    expected = numpy_of(ours(X))
    theirs = keras.layers.MultiHeadAttention(4, 4)
    theirs(X, X)
    kernels = np.split(numpy_of(ours.qkv.kernel.value), 3, axis=1)
    biases = np.split(numpy_of(ours.qkv.bias.value), 3)
    # Keras has a kernel (D, heads, d) and a bias (heads, d) for query, key and value in turn.
    weights = [part for pair in zip(kernels, biases, strict=True) for part in pair]
    weights += [numpy_of(ours.projection.kernel.value), numpy_of(ours.projection.bias.value)]
    shapes = [v.shape for v in theirs.weights]
    theirs.set_weights([w.reshape(s) for w, s in zip(weights, shapes, strict=True)])
    np.testing.assert_allclose(numpy_of(theirs(X, X)), expected, atol=1e-5)


def test_the_relative_bias_is_added_to_the_logits_by_offset():
    layer = MultiHeadSelfAttention(4, relative_positions="bias", grid=(2, 3), num_prefix_tokens=1)
    layer(X)
    table = np.random.default_rng(1).normal(size=layer.bias.table.shape).astype("float32")
    layer.bias.table.assign(table)
    places = [(r, c) for r in range(2) for c in range(3)]
    bias = np.empty((4, 7, 7))
    bias[:, 0, 0], bias[:, 1:, 0], bias[:, 0, 1:] = (
        table[-1][:, None][:, 0],
        table[-2][:, None],
        table[-3][:, None],
    )
    for i, (r1, c1) in enumerate(places):
        for j, (r2, c2) in enumerate(places):
            bias[:, i + 1, j + 1] = table[(r1 - r2 + 1) * 5 + (c1 - c2 + 2)]
    expected_y, expected_scores = reference(layer, X, bias)
    _, scores = layer(X, return_attention_scores=True)
    np.testing.assert_allclose(numpy_of(scores), expected_scores, atol=1e-6)
    np.testing.assert_allclose(numpy_of(layer(X)), expected_y, atol=1e-5)


def test_the_bias_index_has_a_row_for_every_offset_and_no_other():
    index = offset_index((3, 4), 2)
    assert set(np.unique(index)) == set(range(5 * 7 + 3))


def test_rotary_logits_depend_on_the_offset_alone():
    """q(p) . k(p') is a function of p - p', which is what rotary positions are for."""
    grid, dim = (5, 6), 8
    tables = rotary_tables(grid, dim, num_prefix_tokens=0)
    rng = np.random.default_rng(0)
    query, key = rng.normal(size=(2, dim)).astype("float32")
    everywhere = [np.broadcast_to(v, (1, 30, 1, dim)) for v in (query, key)]
    q, k = (numpy_of(rotate(ops.convert_to_tensor(v), tables))[0, :, 0] for v in everywhere)
    logits = (q @ k.T).reshape(*grid, *grid)
    np.testing.assert_allclose(logits[0, 1, 2, 4], logits[2, 2, 4, 5], atol=1e-5)
    np.testing.assert_allclose(logits[3, 5, 1, 0], logits[4, 5, 2, 0], atol=1e-5)
    np.testing.assert_allclose(np.diag(q @ k.T), query @ key, atol=1e-5)
    assert abs(logits[0, 0, 0, 1] - logits[0, 0, 1, 0]) > 1e-3


def test_rotary_leaves_prefix_tokens_alone():
    cosine, sine = rotary_tables((2, 3), 8, num_prefix_tokens=2)
    assert (cosine[:2] == 1).all()
    assert (sine[:2] == 0).all()
    assert cosine.shape == (8, 8)


def test_each_third_of_the_fused_kernel_starts_as_a_glorot_kernel():
    layer = MultiHeadSelfAttention(4)
    layer.build((None, 7, 256))
    for part in np.split(numpy_of(layer.qkv.kernel.value), 3, axis=1):
        limit = np.sqrt(6 / (256 + 256))
        assert np.abs(part).max() <= limit
        assert np.isclose(part.std(), limit / np.sqrt(3), rtol=0.02)


def test_dropout_hits_the_weights_and_only_in_training():
    layer = MultiHeadSelfAttention(4, dropout=0.5, seed=1)
    still = numpy_of(layer(X, training=False))
    np.testing.assert_array_equal(numpy_of(layer(X, training=False)), still)
    assert not np.allclose(numpy_of(layer(X, training=True)), still)


def test_a_block_is_two_residual_branches():
    block = TransformerBlock(4, 32)
    y = numpy_of(block(X))
    attended = X + numpy_of(block.attention(block.norm_1(X)))
    expected = attended + numpy_of(block.mlp(block.norm_2(attended)))
    np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize("num_queries", [None, 2])
def test_a_projection_with_a_dtype_of_its_own_keeps_it(num_queries):
    layer = MultiHeadSelfAttention(4, dtype="mixed_bfloat16")
    layer.build(X.shape)
    layer.qkv.dtype_policy = "float32"
    heads = layer._heads(ops.convert_to_tensor(X, "bfloat16"), num_queries)
    assert {keras.backend.standardize_dtype(y.dtype) for y in heads} == {"float32"}


@pytest.mark.parametrize("options", [{"qk_norm": True}, {"relative_positions": "bias"}])
def test_parts_of_two_dtypes_attend_in_the_wider(options):
    """A layer with parts in bfloat16 and in float32 is close to one that is float32 throughout."""
    exact = MultiHeadSelfAttention(4, grid=(2, 3), num_prefix_tokens=1, **options)
    expected = numpy_of(exact(X))
    layer = MultiHeadSelfAttention(
        4, grid=(2, 3), num_prefix_tokens=1, dtype="mixed_bfloat16", **options
    )
    layer.build(X.shape)
    layer.set_weights(exact.get_weights())
    layer.qkv.dtype_policy = "float32"
    y = numpy_of(ops.cast(layer(X), "float32"))
    np.testing.assert_allclose(y, expected, atol=0.03 * np.abs(expected).max())


def test_a_block_of_fewer_queries_gives_the_first_tokens_of_the_same():
    block = TransformerBlock(4, 32, layer_scale=0.5)
    every, some = numpy_of(block(X)), numpy_of(block(X, num_queries=3))
    assert block.compute_output_spec(ops.convert_to_tensor(X), num_queries=3).shape == some.shape
    np.testing.assert_allclose(some, every[:, :3], atol=1e-5)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="must divide the width.*Received: num_heads=3, width=16"):
        MultiHeadSelfAttention(3)(X)
    for num_heads in (0, -4, 2.0, None):
        with pytest.raises(
            ValueError, match=f"`num_heads` must be .*Received: num_heads={num_heads}"
        ):
            TransformerBlock(num_heads, 32)(X)
    for num_queries in (0, 8):
        refusal = f"from 1 to 7, .*Received: num_queries={num_queries}"
        with pytest.raises(ValueError, match=refusal):
            MultiHeadSelfAttention(4)(X, num_queries=num_queries)
        with pytest.raises(ValueError, match=refusal):
            TransformerBlock(4, 32)(keras.Input((7, 16)), num_queries=num_queries)
    with pytest.raises(ValueError, match="'shaw'"):
        MultiHeadSelfAttention(4, relative_positions="shaw")
    with pytest.raises(
        ValueError, match="needs `grid`.*Received: relative_positions='rotary', grid=None"
    ):
        MultiHeadSelfAttention(4, relative_positions="rotary")
    with pytest.raises(ValueError, match="Received: head_dim=6"):
        MultiHeadSelfAttention(2, relative_positions="rotary", grid=(2, 3), num_prefix_tokens=1)(
            np.zeros((1, 7, 12), "float32")
        )
    with pytest.raises(ValueError, match="make 5 tokens. Received: 7 tokens"):
        MultiHeadSelfAttention(4, relative_positions="bias", grid=(2, 2), num_prefix_tokens=1)(X)


@pytest.mark.parametrize("relative_positions", [None, "rotary", "bias"])
def test_separate_products_give_the_same_where_the_fused_kernel_is_slow(
    relative_positions, monkeypatch
):
    """The mean error against float32 is a few steps of bfloat16, which has 8 bits."""
    options = {"relative_positions": relative_positions, "grid": (2, 3), "num_prefix_tokens": 1}
    exact = MultiHeadSelfAttention(4, **options)
    expected = numpy_of(exact(X))
    half = MultiHeadSelfAttention(4, dtype="mixed_bfloat16", **options)
    half.build(X.shape)
    half.set_weights(exact.get_weights())
    y = numpy_of(ops.cast(half(X), "float32"))
    assert np.sqrt(np.mean((y - expected) ** 2) / np.mean(expected**2)) < 6 * 2**-8
    tensor = ops.convert_to_tensor(X)
    assert not fused_kernel_is_slow(tensor, "float32", X.shape[1])
    slow = keras.backend.backend() == "torch" and tensor.device.type == "cpu"
    assert fused_kernel_is_slow(tensor, "bfloat16", X.shape[1]) == slow
    if slow:
        monkeypatch.setattr("keras_vit.layers.attention.fused_attention", None)
        np.testing.assert_array_equal(numpy_of(ops.cast(half(X), "float32")), y)
        if relative_positions != "bias":  # the hand-written backward pass needs no `_heads` either
            monkeypatch.setattr(half, "_heads", None)
            np.testing.assert_array_equal(numpy_of(ops.cast(half(X), "float32")), y)


# For each case: the layer's dtype policy and options, the arguments of `_choose` (shows_weights,
# drops_weights, num_queries), and the way that PyTorch takes on a CPU.
WAYS = {
    "float32": ("float32", {}, (False, False, None), "fused"),
    "float32, few queries": ("float32", {}, (False, False, 2), "fused"),
    "float32, weights shown": ("float32", {}, (True, False, None), "unfused"),
    "float32, weights dropped": ("float32", {}, (False, True, None), "unfused"),
    "float16": ("float16", {}, (False, False, None), "fused"),
    "bfloat16": ("bfloat16", {}, (False, False, None), "torch_bfloat16"),
    "bfloat16, rotary": (
        "bfloat16",
        {"relative_positions": "rotary"},
        (False, False, None),
        "torch_bfloat16",
    ),
    "bfloat16, few queries": ("bfloat16", {}, (False, False, 2), "unfused_bfloat16"),
    "bfloat16, weights dropped": ("bfloat16", {}, (False, True, None), "unfused_bfloat16"),
    "bfloat16, norm": ("bfloat16", {"qk_norm": True}, (False, False, None), "unfused_bfloat16"),
    "bfloat16, weights shown": ("bfloat16", {}, (True, False, None), "unfused"),
    "bfloat16, bias": (
        "bfloat16",
        {"relative_positions": "bias"},
        (False, False, None),
        "unfused",
    ),
}


@pytest.mark.parametrize("case", WAYS)
def test_the_way_of_attending_follows_from_what_is_wanted_and_what_is_fast(case):
    dtype, options, arguments, way = WAYS[case]
    layer = MultiHeadSelfAttention(4, grid=(2, 3), num_prefix_tokens=1, dtype=dtype, **options)
    layer.build(X.shape)
    x = ops.convert_to_tensor(X, dtype)
    on_torch_cpu = keras.backend.backend() == "torch" and x.device.type == "cpu"
    if not on_torch_cpu:
        shows_weights, drops_weights, _ = arguments
        lacks_kernel = keras.backend.backend() == "jax" and dtype == "float16"
        way = "unfused" if shows_weights or drops_weights or lacks_kernel else "fused"
    assert layer._choose(x, *arguments) == way


def test_many_tokens_take_the_fused_kernel(monkeypatch):
    layer = MultiHeadSelfAttention(4, dtype="mixed_bfloat16")
    y = numpy_of(ops.cast(layer(X), "float32"))
    monkeypatch.setattr("keras_vit.layers.attention.MOST_TOKENS_UNFUSED", X.shape[1] - 1)
    calls = []

    def noted(*arguments):
        calls.append(arguments)
        return fused_attention(*arguments)

    monkeypatch.setattr("keras_vit.layers.attention.fused_attention", noted)
    fused = numpy_of(ops.cast(layer(X), "float32"))
    assert len(calls) == 1
    np.testing.assert_allclose(fused, y, atol=0.03 * np.abs(y).max())


@on_pytorch
@pytest.mark.parametrize("rotary", [False, True])
def test_single_products_have_the_gradient_of_finite_differences(rotary):
    import torch

    from keras_vit.backend.attention_torch import by_single_products

    tables = rotary_tables((2, 2), 4, num_prefix_tokens=1) if rotary else None
    qkv = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 5, 3 * 8))).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: by_single_products(x, 2, 0.7, tables), qkv)


@on_pytorch
@pytest.mark.parametrize("relative_positions", [None, "rotary"])
def test_single_products_are_attention_by_the_weights(relative_positions):
    from keras_vit.backend.attention_torch import by_single_products

    layer = MultiHeadSelfAttention(
        4, relative_positions=relative_positions, grid=(2, 3), num_prefix_tokens=1
    )
    expected = layer(X)
    merged = by_single_products(layer.qkv(X), 4, layer.scale, layer._rotary)
    np.testing.assert_allclose(
        numpy_of(layer.projection(merged)), numpy_of(expected), rtol=1e-5, atol=1e-5
    )


@on_pytorch
@pytest.mark.parametrize("rotary", [False, True])
@pytest.mark.parametrize("num_heads", [1, 2])
def test_single_products_of_bfloat16_go_back_as_those_of_float64(rotary, num_heads):
    """The mean error is a few steps of bfloat16, which has 8 bits; upstream is transposed."""
    import torch

    from keras_vit.backend.attention_torch import by_single_products

    tables = rotary_tables((3, 3), 8 // num_heads, num_prefix_tokens=1) if rotary else None
    start = torch.from_numpy(np.random.default_rng(0).normal(size=(4, 10, 3 * 8))).bfloat16()
    upstream = torch.from_numpy(np.random.default_rng(1).normal(size=(4, 8, 10))).bfloat16().mT

    def results(dtype):
        qkv = start.to(dtype, copy=True).requires_grad_()
        y = by_single_products(qkv, num_heads, 0.5, tables)
        y.backward(upstream.to(dtype))
        return y.detach().double(), qkv.grad.double()

    for half, exact in zip(results(torch.bfloat16), results(torch.float64), strict=True):
        assert 0 < (half - exact).norm() / exact.norm() < 4 * 2**-8


@on_pytorch
def test_single_products_of_no_images_are_none():
    layer = MultiHeadSelfAttention(
        4, relative_positions="rotary", grid=(2, 3), num_prefix_tokens=1, dtype="mixed_bfloat16"
    )
    assert layer(ops.zeros((0, 7, 16), "bfloat16")).shape == (0, 7, 16)


def test_no_queries_of_bfloat16_are_refused_too():
    with pytest.raises(ValueError, match="Received: num_queries=0"):
        MultiHeadSelfAttention(4, dtype="mixed_bfloat16")(X, num_queries=0)
