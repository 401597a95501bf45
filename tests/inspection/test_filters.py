import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA

from keras_vit import HybridViT, ViT
from keras_vit.inspection import filter_components
from tests.helpers import quantized

SMALL = {"image_shape": (8, 12, 3), "hidden_dim": 64, "depth": 1, "num_heads": 2, "mlp_dim": 8}


def directions(components):
    """Components as scikit-learn gives them, of length 1."""
    flat = (components - 0.5).reshape(len(components), -1)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


@pytest.mark.parametrize("patch_embedding", ["linear", "conv", "stem"])
def test_components_are_scikit_learns(patch_embedding):
    patch_size = 4 if patch_embedding == "stem" else (2, 4)
    model = ViT(**SMALL, patch_size=patch_size, patch_embedding=patch_embedding)
    if patch_embedding == "linear":
        kernel = model.get_layer("patch_encoder").projection.kernel
    else:
        patches = model.get_layer("patches")
        kernel = (patches.convolutions[0] if patch_embedding == "stem" else patches).kernel
    kernel = keras.ops.convert_to_numpy(kernel)
    shape = (3, 3, 3) if patch_embedding == "stem" else (2, 4, 3)
    components = filter_components(model, 5)
    assert components.shape == (5, *shape)
    expected = PCA(5, svd_solver="full").fit(kernel.reshape(-1, kernel.shape[-1]).T).components_
    agreement = (directions(components) * expected).sum(axis=1)
    np.testing.assert_allclose(np.abs(agreement), 1, atol=1e-4)


def test_components_are_scaled_for_show():
    components = filter_components(ViT(**SMALL))
    assert components.shape == (28, 4, 4, 3)
    assert components.dtype == "float32"
    assert components.min() >= 0
    np.testing.assert_allclose(components.max(axis=(1, 2, 3)), 1)


def test_there_are_no_more_components_than_pixel_values():
    model = ViT((8, 8, 1), patch_size=2, hidden_dim=16, depth=1, num_heads=2, mlp_dim=8)
    assert filter_components(model).shape == (4, 2, 2, 1)


def test_models_without_filters_and_bad_counts_are_refused():
    dense = keras.Sequential([keras.Input((8, 12, 3)), keras.layers.Flatten()])
    with pytest.raises(ValueError, match="must have a patch projection or a convolution"):
        filter_components(dense)
    with pytest.raises(ValueError, match="`count` must be 1 or more. Received: count=0"):
        filter_components(ViT(**SMALL), 0)


def test_a_quantised_models_components_are_those_that_it_had():
    model = ViT(**SMALL)
    kernel = model.get_layer("patch_encoder").projection.kernel
    # Variances far apart: components of nearly the same would change places with any rounding.
    scales = 0.7 ** np.arange(kernel.shape[0])
    kernel.assign(scales[:, None] * np.random.default_rng(0).normal(size=kernel.shape))
    before = directions(filter_components(model, 5))
    quantized(model)
    agreement = (directions(filter_components(model, 5)) * before).sum(axis=1)
    np.testing.assert_allclose(np.abs(agreement), 1, atol=0.01)


def test_a_hybrids_filters_are_those_on_the_pixels():
    model = HybridViT((16, 16, 3), hidden_dim=16, depth=1, num_heads=2, mlp_dim=8)
    kernel = keras.ops.convert_to_numpy(model.get_layer("backbone").conv_root.kernel)
    components = filter_components(model, 5)
    expected = PCA(5, svd_solver="full").fit(kernel.reshape(27, -1).T).components_
    agreement = (directions(components) * expected).sum(axis=1)
    np.testing.assert_allclose(np.abs(agreement), 1, atol=1e-4)
