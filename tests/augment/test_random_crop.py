"""RandomCrop against crops of a padded image."""

import keras
import numpy as np
import pytest

from keras_vit.augment import RandomCrop

pytestmark = pytest.mark.backends


def test_every_offset_is_a_crop_of_the_padded_image_and_all_occur(photographs):
    padding, fill = 2, 9
    outputs = RandomCrop(padding, fill, seed=1)(np.repeat(photographs[:1], 500, axis=0))
    padded = np.pad(photographs[0], ((2, 2), (2, 2), (0, 0)), constant_values=fill)
    crops = {
        padded[y : y + 32, x : x + 32].astype("float32").tobytes(): (y, x)
        for y in range(5)
        for x in range(5)
    }
    found = [crops[image.tobytes()] for image in keras.ops.convert_to_numpy(outputs)]
    counts = np.zeros((5, 5))
    np.add.at(counts, tuple(np.transpose(found)), 1)
    # 99.9 % of a chi-squared distribution with 24 degrees of freedom lie below 51.2.
    assert np.sum((counts - 20) ** 2) / 20 < 51.2


def test_height_and_width_are_not_mixed_up(photographs):
    images = photographs[:, :20]
    outputs = keras.ops.convert_to_numpy(RandomCrop(0)(images))
    np.testing.assert_array_equal(outputs, images)


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ({"padding": -1}, "padding=-1"),
        ({"padding": 1.5}, "padding=1.5"),
        ({"fill_value": 300}, "fill_value=300"),
    ],
)
def test_bad_arguments_are_named(arguments, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        RandomCrop(**arguments)
