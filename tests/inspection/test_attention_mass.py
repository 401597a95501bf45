import keras
import numpy as np
import pytest

from keras_vit import ViT, attention_maps, load_data
from keras_vit.inspection import attention_mass, patch_attention


def test_mass_and_share_by_hand():
    mask = np.zeros((1, 4, 6), bool)
    mask[0, 0, :2] = True  # 2 of the 4 pixels of cell (0, 0)
    mask[0, 2:, 4:] = True  # the whole of cell (1, 2)
    attention = np.array([[[0.2, 0.1, 0.1], [0.1, 0.0, 0.3]]])  # sums to 0.8
    mass, share = attention_mass(attention, mask)
    np.testing.assert_allclose(mass, (0.2 * 0.5 + 0.3) / 0.8)
    np.testing.assert_allclose(share, 6 / 24)


def test_even_attention_has_the_masks_share():
    mask = np.random.default_rng(0).random((5, 28, 28)) > 0.8
    mass, share = attention_mass(np.full((5, 7, 14), 0.01), mask)
    np.testing.assert_allclose(mass, share)


@pytest.mark.parametrize(
    ("attention", "mask"), [((2, 3, 3), (2, 8, 9)), ((2, 3, 3), (3, 9, 9)), ((3, 3), (9, 9))]
)
def test_shapes_that_do_not_fit_are_refused(attention, mask):
    with pytest.raises(ValueError, match="Received: shapes"):
        attention_mass(np.ones(attention), np.ones(mask))


def test_an_image_without_attention_is_refused():
    with pytest.raises(ValueError, match="no attention"):
        attention_mass(np.zeros((1, 2, 2)), np.ones((1, 4, 4)))


@pytest.mark.slow
def test_a_model_that_learned_digits_looks_at_their_ink():
    keras.utils.set_random_seed(0)
    data = load_data("digits")
    model = ViT(data.image_shape, 2, hidden_dim=32, depth=2, num_heads=2, mlp_dim=64)
    model.compile(
        keras.optimizers.AdamW(2e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(*data.train, batch_size=64, epochs=15, verbose=0)
    assert model.evaluate(*data.test, verbose=0)[1] > 0.85
    looks = patch_attention(attention_maps(model, data.x_test, layers=[-1])[0], model.grid)
    mass, share = attention_mass(looks, data.x_test[..., 0] > 0)
    assert mass.mean() > share.mean()
