import numpy as np
import pytest

from keras_vit import ViT
from keras_vit.inspection import patch_attention
from keras_vit.inspection.patch_attention import reads_class_token

MAPS = np.random.default_rng(0).random((2, 4, 8, 8))


def test_it_reads_the_class_tokens_row_or_the_mean_of_all():
    row = patch_attention(MAPS, (2, 3), class_token=True)
    np.testing.assert_allclose(row, MAPS[:, :, 0, 2:].mean(axis=1).reshape(2, 2, 3))
    mean = patch_attention(MAPS, (2, 3), class_token=False)
    np.testing.assert_allclose(mean[:, 1, 2], MAPS[:, :, :, 7].mean(axis=(1, 2)))


def test_maps_without_heads_are_read_alike():
    np.testing.assert_allclose(
        patch_attention(MAPS.mean(axis=1), (2, 3)), patch_attention(MAPS, (2, 3))
    )


def test_maps_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"Received: shape=\(1, 2, 4, 8, 8\)"):
        patch_attention(MAPS[None], (2, 3))
    with pytest.raises(ValueError, match="8 tokens do not fill a grid of 3x3"):
        patch_attention(MAPS, (3, 3))


def test_a_class_token_counts_only_where_the_answer_is_read_from_it():
    small = {"image_shape": (8, 8, 1), "hidden_dim": 8, "depth": 1, "num_heads": 1, "mlp_dim": 8}
    assert reads_class_token(ViT(**small))
    assert not reads_class_token(ViT(**small, pool="mean"))
    assert not reads_class_token(ViT(**small, pool="mean", class_token=True))
