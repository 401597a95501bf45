"""RandomResizedCrop against torchvision's pixels, and its draws against their distributions."""

import keras
import numpy as np
import pytest

from keras_vit.augment import RandomResizedCrop

pytestmark = pytest.mark.backends


def boxes(height, width, count=10_000, **arguments):
    layer = RandomResizedCrop(8, 8, seed=4, **arguments)
    return keras.ops.convert_to_numpy(layer._draw_boxes(count, height, width, layer._seed()))


@pytest.mark.parametrize("case", range(6))
def test_given_crops_are_torchvisions(expected, case):
    box, size = expected["crop_boxes"][case], expected["crop_sizes"][case].tolist()
    outputs = RandomResizedCrop(*size).crop_and_resize(
        expected["photographs"][:2], np.tile(box, (2, 1))
    )
    difference = keras.ops.convert_to_numpy(outputs) - expected[f"crop/{case}"]
    # torchvision rounds to uint8, and the difference must not be more than that rounding.
    assert np.abs(difference).max() <= 0.51


def test_each_image_has_its_own_crop(expected):
    layer = RandomResizedCrop(16, 16)
    images, crops = expected["photographs"][:2], [[3, 5, 20, 13], [11, 2, 7, 30]]
    together = keras.ops.convert_to_numpy(layer.crop_and_resize(images, crops))
    for i in range(2):
        alone = layer.crop_and_resize(images[[i]], [crops[i]])
        np.testing.assert_allclose(keras.ops.convert_to_numpy(alone)[0], together[i], atol=1e-3)


def test_whole_image_is_resized_in_inference(expected):
    outputs = RandomResizedCrop(24, 20)(expected["photographs"][:2], training=False)
    difference = keras.ops.convert_to_numpy(outputs) - expected["crop/0"]
    assert np.abs(difference).max() <= 0.51


def test_drawn_boxes_are_whole_and_inside():
    drawn = boxes(20, 31)
    np.testing.assert_array_equal(drawn, np.round(drawn))
    top, left, height, width = drawn.T
    assert height.min() >= 1
    assert width.min() >= 1
    assert top.min() == 0
    assert left.min() == 0
    assert (top + height).max() == 20
    assert (left + width).max() == 31


def test_area_is_uniform_and_aspect_log_uniform():
    # Small crops of a large image always fit at the first try, and rounding matters little.
    stats = pytest.importorskip("scipy.stats")
    _, _, height, width = boxes(4000, 4000, 2000, scale=(0.1, 0.4), ratio=(0.5, 2.0)).T.astype(
        "float64"
    )
    area = height * width / 4000**2
    assert stats.kstest(area, stats.uniform(0.1, 0.3).cdf).pvalue > 0.001
    aspect = np.log(width / height) / np.log(2)
    assert stats.kstest(aspect, stats.uniform(-1, 2).cdf).pvalue > 0.001


def test_offsets_are_uniform():
    top, left, height, width = boxes(5, 5, scale=(0.36, 0.36), ratio=(1.0, 1.0)).T
    assert set(height) == set(width) == {3}
    counts = np.histogram2d(top, left, bins=[[0, 1, 2, 3]] * 2)[0]
    expected = len(top) / 9
    # 99.9 % of a chi-squared distribution with 8 degrees of freedom lie below 26.1.
    assert np.sum((counts - expected) ** 2) / expected < 26.1


def test_the_first_try_that_fits_is_taken():
    # On a wide image, a square crop of nearly the whole area never fits, so some tries fit and
    # others do not.
    _, _, height, width = boxes(16, 32, scale=(0.5, 1.0), ratio=(0.5, 2.0)).T
    assert np.all(height <= 16)
    assert np.all(width <= 32)
    assert len(np.unique(width)) > 5


@pytest.mark.parametrize(
    ("size", "ratio", "box"),
    [
        ((10, 40), (0.9, 1.1), (0, 14, 10, 11)),
        ((40, 10), (0.8, 1.25), (14, 0, 12, 10)),
        ((20, 20), (2.0, 2.0), (5, 0, 10, 20)),
    ],
)
def test_fall_back_is_the_largest_allowed_centre_crop(size, ratio, box):
    # A crop of the whole area fits only with the aspect ratio of the image, which `ratio` excludes.
    drawn = boxes(*size, count=4, scale=(1.0, 1.0), ratio=ratio)
    np.testing.assert_array_equal(drawn, np.tile(box, (4, 1)))


def test_numpys_integers_are_sizes_too():
    layer = RandomResizedCrop(np.int64(8), np.int32(6))
    assert layer.compute_output_shape((None, 9, 9, 3)) == (None, 8, 6, 3)
    assert all(type(layer.get_config()[side]) is int for side in ("height", "width"))


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ({"height": -3}, "height=-3"),
        ({"width": 2.5}, "width=2.5"),
        ({"scale": (0.5, 0.2)}, r"scale=\(0.5, 0.2\)"),
        ({"scale": (0.0, 1.0)}, r"scale=\(0.0, 1.0\)"),
        ({"scale": (0.5, 1.5)}, r"scale=\(0.5, 1.5\)"),
        ({"scale": ("a", "b")}, r"scale=\('a', 'b'\)"),
        ({"ratio": 1.0}, "ratio=1.0"),
        ({"ratio": (-1, 2)}, r"ratio=\(-1, 2\)"),
    ],
)
def test_bad_arguments_are_named(arguments, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        RandomResizedCrop(**{"height": 8, "width": 8, **arguments})
