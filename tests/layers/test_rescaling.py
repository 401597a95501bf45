import numpy as np
import pytest

from keras_vit.layers.rescaling import rescaling_of


@pytest.mark.parametrize("factor", [1 / 255, 1 / 127.5, 1.0])
@pytest.mark.parametrize(
    ("mean", "std"),
    [((0.5,) * 3, (0.5,) * 3), ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))],
)
def test_scale_and_offset_normalise_the_pixels(mean, std, factor):
    pixels = np.arange(0, 255, 17.0).reshape(5, 3)
    scale, offset = rescaling_of(mean, std, factor)
    expected = (pixels * factor - mean) / np.array(std)
    np.testing.assert_allclose(pixels * np.array(scale) + np.array(offset), expected, atol=1e-12)


def test_equal_channels_give_numbers_and_others_a_number_for_each():
    assert rescaling_of((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)) == (1 / 127.5, -1.0)
    scale, offset = rescaling_of((0.5, 0.5, 0.5), (0.5, 0.5, 0.25))
    assert scale == (1 / 127.5, 1 / 127.5, 1 / 63.75)
    assert offset == (-1.0, -1.0, -2.0)
