"""RandomCrop against crops of a padded image."""

import keras
import numpy as np
import pytest

from keras_vit.augment import RandomCrop

pytestmark = pytest.mark.backends


@pytest.mark.parametrize("mode", ["constant", "reflect"])
def test_every_offset_is_a_crop_of_the_padded_image_and_all_occur(photographs, mode):
    padding, fill = 2, 9
    layer = RandomCrop(padding, fill, seed=1, fill_mode=mode)
    outputs = layer(np.repeat(photographs[:1], 500, axis=0))
    filled = {"constant_values": fill} if mode == "constant" else {}
    padded = np.pad(photographs[0], ((2, 2), (2, 2), (0, 0)), mode, **filled)
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
        ({"fill_mode": "wrap"}, "fill_mode='wrap'"),
    ],
)
def test_bad_arguments_are_named(arguments, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        RandomCrop(**arguments)


def test_an_image_that_is_too_small_to_be_mirrored_is_named(photographs):
    with pytest.raises(ValueError, match="images of 3x32 pixels, padding=3"):
        RandomCrop(3, fill_mode="reflect")(photographs[:, :3])
