import keras
import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from keras_vit import AugmentedModel, ViT, position_similarity

SMALL = {"image_shape": (8, 12, 3), "hidden_dim": 16, "depth": 1, "num_heads": 2, "mlp_dim": 8}


@pytest.mark.backends
@pytest.mark.parametrize("pool", ["token", "mean"])
def test_learned_positions_leave_out_the_class_tokens(pool):
    model = ViT(**SMALL, pool=pool, num_registers=1)
    table = keras.ops.convert_to_numpy(model.get_layer("patch_encoder").positions)[0]
    expected = cosine_similarity(table[-6:])
    similarity = position_similarity(AugmentedModel(model))
    assert similarity.shape == (2, 3, 2, 3)
    np.testing.assert_allclose(similarity.reshape(6, 6), expected, atol=1e-6)


@pytest.mark.parametrize("positions", ["sincos1d", "sincos2d"])
@pytest.mark.parametrize("pool", ["token", "mean"])
def test_fixed_positions_are_most_like_themselves_and_then_their_neighbours(positions, pool):
    similarity = position_similarity(ViT(**SMALL, positions=positions, pool=pool))
    for cell in np.ndindex(2, 3):
        np.testing.assert_allclose(similarity[cell][cell], 1, atol=1e-6)
        assert np.unravel_index(similarity[cell].argmax(), (2, 3)) == cell
    assert similarity[0, 0, 0, 1] > similarity[0, 0, 0, 2]


def test_the_similarity_of_sincos_1d_depends_on_the_offset_alone():
    similarity = position_similarity(ViT(**SMALL, positions="sincos1d")).reshape(6, 6)
    angles = 1 / 10000 ** (np.arange(8) / 8)
    offsets = np.arange(6)[:, None] - np.arange(6)
    expected = np.cos(offsets[..., None] * angles).mean(axis=-1)
    np.testing.assert_allclose(similarity, expected, atol=1e-6)


def test_models_without_positions_are_refused():
    with pytest.raises(ValueError, match="must add positions.*Received: positions=None"):
        position_similarity(ViT(**SMALL, positions=None, relative_positions="rotary"))
    dense = keras.Sequential([keras.Input((8, 12, 3)), keras.layers.Flatten()])
    with pytest.raises(
        ValueError, match="must add positions.*Received: a model without PatchEncoder"
    ):
        position_similarity(dense)
