import numpy as np
import pytest
from keras import ops

from keras_vit import AugmentedModel, ViT, attention_maps, intermediates, iter_attention_maps
from keras_vit.inspection.attention import patch_attention

pytestmark = pytest.mark.backends

SMALL = {"image_shape": (8, 12, 3), "hidden_dim": 16, "depth": 3, "num_heads": 2, "mlp_dim": 24}
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 12, 3)).astype("uint8")


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"relative_positions": "rotary", "pool": "mean"},
        {"relative_positions": "bias", "num_registers": 2, "qk_norm": True},
        {"attention_dropout": 0.5, "dropout": 0.5},
    ],
)
def test_a_blocks_output_can_be_made_again_from_its_map(arguments):
    model = ViT(**SMALL, **arguments)
    maps = attention_maps(model, IMAGES, batch_size=2)
    tokens = 6 + model.num_prefix_tokens
    assert maps.shape == (3, 5, 2, tokens, tokens)
    np.testing.assert_allclose(maps.sum(axis=-1), 1.0, atol=1e-5)

    stages = intermediates(model)(IMAGES.astype("float32"))
    block = model.get_layer("block_2")
    x = stages["block_1"]
    values = ops.split(block.attention.qkv(block.norm_1(x)), 3, axis=-1)[2]
    values = ops.convert_to_numpy(values).reshape(5, tokens, 2, 8)
    attended = np.einsum("bhqk,bkhd->bqhd", maps[2], values).reshape(5, tokens, 16)
    x = x + block.attention.projection(attended)
    y = x + block.mlp(block.norm_2(x))
    np.testing.assert_allclose(
        ops.convert_to_numpy(y), ops.convert_to_numpy(stages["block_2"]), atol=1e-5
    )


def test_layers_are_chosen_and_batches_streamed():
    model = ViT(**SMALL)
    every = attention_maps(model, IMAGES)
    np.testing.assert_allclose(attention_maps(model, IMAGES, layers=[-1, 0]), every[[-1, 0]])
    batches = list(iter_attention_maps(model, IMAGES, layers=[1], batch_size=2))
    assert [b.shape[1] for b in batches] == [2, 2, 1]
    np.testing.assert_allclose(np.concatenate(batches, axis=1), every[[1]], atol=1e-6)


def test_it_looks_inside_an_augmented_model():
    model = ViT(**SMALL)
    np.testing.assert_array_equal(
        attention_maps(AugmentedModel(model), IMAGES), attention_maps(model, IMAGES)
    )


def test_a_bfloat16_models_maps_are_near_the_exact_ones():
    model, low = ViT(**SMALL), ViT(**SMALL, dtype="mixed_bfloat16")
    low.set_weights(model.get_weights())
    np.testing.assert_allclose(
        attention_maps(low, IMAGES), attention_maps(model, IMAGES), atol=2e-2
    )


def test_models_without_attention_and_layers_beyond_are_refused():
    import keras

    dense = keras.Sequential([keras.Input((8, 12, 3)), keras.layers.Flatten()])
    with pytest.raises(ValueError, match="no TransformerBlock"):
        attention_maps(dense, IMAGES)
    with pytest.raises(ValueError, match=r"3 blocks. Received: layers=\[3\]"):
        attention_maps(ViT(**SMALL), IMAGES, layers=[3])


def test_patch_attention_reads_the_class_tokens_row_or_the_mean_of_all():
    maps = np.random.default_rng(0).random((2, 4, 8, 8))
    row = patch_attention(maps, (2, 3), class_token=True)
    np.testing.assert_allclose(row, maps[:, :, 0, 2:].mean(axis=1).reshape(2, 2, 3))
    mean = patch_attention(maps, (2, 3), class_token=False)
    np.testing.assert_allclose(mean[:, 1, 2], maps[:, :, :, 7].mean(axis=(1, 2)))
