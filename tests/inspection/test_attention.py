import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import softmax

from keras_vit import AugmentedModel, ViT, attention_maps, intermediates, iter_attention_maps
from tests.helpers import disturbed, numpy_of

SMALL = {"image_shape": (8, 12, 3), "hidden_dim": 16, "depth": 3, "num_heads": 2, "mlp_dim": 24}
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 12, 3)).astype("uint8")


def sharpened(model):
    """The model with weights so large that its attention is far from even."""
    return disturbed(model, 0.2)


@pytest.mark.backends
@pytest.mark.parametrize(
    ("arguments", "tolerance"),
    [
        ({}, 1e-5),
        ({"relative_positions": "rotary", "pool": "mean"}, 1e-5),
        ({"relative_positions": "bias", "num_registers": 1, "pool": "mean", "qk_norm": True}, 1e-5),
        ({"attention_dropout": 0.5, "dropout": 0.5}, 1e-5),
        ({"dtype": "mixed_bfloat16"}, 2e-2),
    ],
)
def test_a_blocks_attention_can_be_made_again_from_its_map(arguments, tolerance):
    model = sharpened(ViT(**SMALL, **arguments))
    maps = attention_maps(model, IMAGES)
    tokens = 6 + model.num_prefix_tokens
    assert maps.shape == (3, 5, 2, tokens, tokens)
    assert maps.dtype == "float32"
    np.testing.assert_allclose(maps.sum(axis=-1), 1.0, atol=1e-5)
    assert maps.std() > 0.05  # even attention would prove nothing

    block = model.get_layer("block_2")
    x = block.norm_1(intermediates(model)(IMAGES.astype("float32"))["block_1"])
    values = numpy_of(ops.split(block.attention.qkv(x), 3, axis=-1)[2])
    attended = np.einsum("bhqk,bkhd->bqhd", maps[2], values.reshape(5, tokens, 2, 8))
    again = numpy_of(block.attention.projection(attended.reshape(5, tokens, 16)))
    expected = numpy_of(block.attention(x))
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(again / scale, expected / scale, atol=tolerance)


@pytest.mark.backends
def test_the_maps_are_plain_softmax_attention_from_the_weights():
    model = sharpened(ViT(**SMALL))
    tokens = numpy_of(intermediates(model)(IMAGES.astype("float32"))["block_0"]).astype("float64")
    block = model.get_layer("block_1")
    gamma, beta = (numpy_of(v) for v in (block.norm_1.gamma, block.norm_1.beta))
    centred = tokens - tokens.mean(axis=-1, keepdims=True)
    x = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-6) * gamma + beta
    qkv = x @ numpy_of(block.attention.qkv.kernel) + numpy_of(block.attention.qkv.bias)
    query, key, _ = np.split(qkv.reshape(5, 7, 6, 8).transpose(0, 2, 1, 3), 3, axis=1)
    expected = softmax(query @ key.swapaxes(2, 3) / np.sqrt(8), axis=-1)
    np.testing.assert_allclose(attention_maps(model, IMAGES, layers=[1])[0], expected, atol=1e-5)


def test_layers_are_chosen_and_batches_streamed():
    model = ViT(**SMALL)
    every = attention_maps(model, IMAGES)
    np.testing.assert_allclose(attention_maps(model, IMAGES, layers=[-1, 0]), every[[-1, 0]])
    batches = list(iter_attention_maps(model, IMAGES, layers=[1], batch_size=2))
    assert [b.shape[1] for b in batches] == [2, 2, 1]
    np.testing.assert_allclose(np.concatenate(batches, axis=1), every[[1]], atol=1e-6)


def test_blocks_behind_the_last_one_asked_for_do_not_run():
    model = ViT(**SMALL)
    last = model.get_layer("block_2")
    last.call = None  # calling it would be an error
    assert attention_maps(model, IMAGES, layers=[0, 1]).shape[0] == 2


def test_it_looks_inside_an_augmented_model():
    model = ViT(**SMALL)
    np.testing.assert_array_equal(
        attention_maps(AugmentedModel(model), IMAGES), attention_maps(model, IMAGES)
    )


def test_a_bfloat16_models_maps_are_near_the_exact_ones():
    model, low = ViT(**SMALL), ViT(**SMALL, dtype="mixed_bfloat16")
    low.set_weights(model.get_weights())
    exact = attention_maps(model, IMAGES)
    # Over twelve seeds the root mean square was 0.0015 to 0.0021; one map in a thousand is far off.
    assert np.sqrt(np.mean((attention_maps(low, IMAGES) - exact) ** 2)) < 0.03 * exact.std()


def test_bad_input_is_refused_before_the_first_batch():
    dense = keras.Sequential([keras.Input((8, 12, 3)), keras.layers.Flatten()])
    with pytest.raises(ValueError, match="at least one block with attention. Received: <"):
        iter_attention_maps(dense, IMAGES)
    model = ViT(**SMALL)
    with pytest.raises(ValueError, match=r"3 blocks. Received: layers=\[3\]"):
        iter_attention_maps(model, IMAGES, layers=[3])
    with pytest.raises(ValueError, match=r"3 blocks. Received: layers=\[\]"):
        iter_attention_maps(model, IMAGES, layers=[])
    for images in (IMAGES[0], IMAGES[:, :4], IMAGES[..., :1]):
        with pytest.raises(ValueError, match=r"\(B, 8, 12, 3\). Received: shape=\("):
            iter_attention_maps(model, images)
    with pytest.raises(ValueError, match=r"no images.* shape=\(0, 8, 12, 3\)"):
        iter_attention_maps(model, IMAGES[:0])
    with pytest.raises(ValueError, match="`batch_size` must be 1 or more. Received: batch_size=0"):
        iter_attention_maps(model, IMAGES, batch_size=0)
