"""RandomAffine against scipy's rotation and against slices."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from keras_vit.augment import RandomAffine

pytestmark = pytest.mark.backends


def applied(layer, images, angles, offsets):
    convert = keras.ops.convert_to_tensor
    arguments = [convert(np.asarray(a, "float32")) for a in (images, angles, offsets)]
    return keras.ops.convert_to_numpy(layer.apply(*arguments))


def test_turns_like_scipy(photographs):
    """The border is left out, because the two libraries disagree about pixels outside the image."""
    angles = [0.0, 30.0, -17.0, 90.0]
    ours = applied(RandomAffine(interpolation="bilinear"), photographs, angles, np.zeros((4, 2)))
    for image, turned, angle in zip(photographs, ours, angles, strict=True):
        theirs = ndimage.rotate(image.astype("float32"), angle, reshape=False, order=1)
        inner = slice(8, -8)
        np.testing.assert_allclose(turned[inner, inner], theirs[inner, inner], atol=0.51)


def test_shifts_like_slices(photographs):
    ours = applied(
        RandomAffine(shift=3, fill_value=9),
        photographs,
        np.zeros(4),
        [[2, -3], [0, 0], [0, 3], [-1, 0]],
    )
    np.testing.assert_array_equal(ours[0][2:, :-3], photographs[0][:-2, 3:])
    assert (ours[0][:2] == 9).all()
    assert (ours[0][:, -3:] == 9).all()
    np.testing.assert_array_equal(ours[1], photographs[1])
    np.testing.assert_array_equal(ours[2][:, 3:], photographs[2][:, :-3])
    np.testing.assert_array_equal(ours[3][:-1], photographs[3][1:])


def test_turns_first_and_shifts_then(photographs):
    layer = RandomAffine()
    turned = applied(layer, photographs, [90] * 4, np.zeros((4, 2)))
    both = applied(layer, photographs, [90] * 4, [[0, 4]] * 4)
    np.testing.assert_array_equal(both[:, :, 4:], turned[:, :, :-4])


def test_draws_over_the_whole_range():
    """A dot in the middle shows the offset by the place it moves to; all are equally likely."""
    images = np.zeros((2500, 11, 11, 1), "uint8")
    images[:, 5, 5] = 255
    outputs = keras.ops.convert_to_numpy(RandomAffine(shift=2, seed=0)(images))[..., 0]
    counts = (outputs == 255).sum(axis=0)[3:8, 3:8]
    assert counts.sum() == 2500
    assert np.abs(counts - 100).max() < 50


@pytest.mark.parametrize(
    "arguments",
    [{"degrees": -1}, {"degrees": 181}, {"shift": -1}, {"shift": 1.5}, {"fill_value": 256}],
)
def test_refuses(arguments):
    ((key, value),) = arguments.items()
    with pytest.raises(ValueError, match=f"{key}.*{value}"):
        RandomAffine(**arguments)
