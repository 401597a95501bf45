"""The order of patches and pixels, and the equal convolution."""

import numpy as np
import pytest
from keras import ops

from keras_vit import Patches

pytestmark = pytest.mark.backends


def test_patches_are_cut_row_by_row_and_flattened_by_row_column_channel():
    image = np.arange(4 * 6 * 2, dtype="float32").reshape(1, 4, 6, 2)
    patches = ops.convert_to_numpy(Patches((2, 3))(image))
    assert patches.shape == (1, 4, 12)
    for i, (top, left) in enumerate([(0, 0), (0, 3), (2, 0), (2, 3)]):
        np.testing.assert_array_equal(
            patches[0, i], image[0, top : top + 2, left : left + 3].ravel()
        )


def test_a_dense_layer_on_patches_is_the_convolution_with_the_same_kernel():
    import keras

    rng = np.random.default_rng(0)
    image = rng.normal(size=(2, 8, 8, 3)).astype("float32")
    convolution = keras.layers.Conv2D(5, 4, strides=4, use_bias=False)
    expected = ops.convert_to_numpy(convolution(image)).reshape(2, 4, 5)
    kernel = ops.convert_to_numpy(convolution.kernel.value).reshape(-1, 5)
    patches = ops.convert_to_numpy(Patches(4)(image))
    np.testing.assert_allclose(patches @ kernel, expected, atol=1e-4)


def test_a_patch_that_does_not_divide_the_image_is_refused_with_both_sizes():
    with pytest.raises(
        ValueError, match=r"5x5 pixels does not divide an image of 32x30 .*image_size=\(32, 30\)"
    ):
        Patches(5)(np.zeros((1, 32, 30, 3), "float32"))


@pytest.mark.parametrize("size", [0, -4, (4,), (4, 4, 4), 2.5, (4, 0), None, "44"])
def test_a_patch_size_that_is_none_is_refused(size):
    with pytest.raises(ValueError, match="`patch_size` must be .* Received: patch_size="):
        Patches(size)
