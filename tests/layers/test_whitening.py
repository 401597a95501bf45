"""The filters whiten, by numpy's own covariance of what the layer gives."""

import numpy as np
import pytest

from keras_vit import WhiteningConv2D
from tests.helpers import numpy_of


def photographs(count=40, side=12, channels=3):
    """Images whose neighbouring pixels and channels are alike, as those of photographs are."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(count, side + 3, side + 3, channels))
    smooth = sum(noise[:, i : i + side, j : j + side] for i in range(4) for j in range(4))
    return (100 + 10 * smooth + 20 * smooth[..., :1]).astype("float32")


@pytest.mark.backends
@pytest.mark.parametrize("kernel_size", [2, 3])
def test_the_first_half_is_white_and_the_second_its_negative(kernel_size):
    images = photographs()
    layer = WhiteningConv2D(kernel_size, epsilon=1e-9)
    layer.build(images.shape)
    layer.adapt(images)
    outputs = numpy_of(layer(images))
    count = 3 * kernel_size**2
    first, second = outputs[..., :count], outputs[..., count:]
    np.testing.assert_allclose(second, -first, atol=1e-4)
    values = first.reshape(-1, count)
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-2)
    np.testing.assert_allclose(np.cov(values, rowvar=False), np.eye(count), atol=1e-2)


def test_a_direction_without_variance_is_not_blown_up():
    images = np.repeat(photographs(channels=1), 3, axis=-1)  # grey: the channels are the same
    layer = WhiteningConv2D(epsilon=5e-4)
    layer.build(images.shape)
    layer.adapt(images)
    patches = np.lib.stride_tricks.sliding_window_view(images, (2, 2), axis=(1, 2))
    mean = np.linalg.eigvalsh(np.cov(patches.reshape(-1, 12), rowvar=False)).mean()
    norms = np.linalg.norm(numpy_of(layer.kernel).reshape(12, 24), axis=0)
    assert norms.max() == pytest.approx(1 / np.sqrt(5e-4 * mean), rel=1e-3)


def test_the_filters_stay_and_the_bias_trains():
    layer = WhiteningConv2D()
    layer.build((None, 8, 8, 1))
    assert [v.name for v in layer.trainable_variables] == ["bias"]
    assert [v.name for v in layer.non_trainable_variables] == ["kernel"]


def test_before_it_has_seen_images_it_gives_the_pixels_and_their_negatives():
    image = np.arange(9, dtype="float32").reshape(1, 3, 3, 1)
    outputs = numpy_of(WhiteningConv2D()(image))
    np.testing.assert_array_equal(outputs[0, 0, 0], [0, 1, 3, 4, 0, -1, -3, -4])


def test_images_that_do_not_fit_are_named():
    layer = WhiteningConv2D()
    layer.build((None, 8, 8, 3))
    for shape in ((4, 8, 8, 1), (4, 1, 8, 3), (8, 8, 3)):
        with pytest.raises(ValueError, match=r"Received: images of shape \("):
            layer.adapt(np.zeros(shape))
    with pytest.raises(ValueError, match="epsilon=0"):
        WhiteningConv2D(epsilon=0)
