import numpy as np
from PIL import Image

from keras_vit.data.resizing import resize_images


def test_scales_to_cover_and_crops_the_centre():
    # Thirds of 0, 100 and 200: a square crop of the middle third has nothing of the others.
    image = np.repeat(np.array([0, 100, 200], "uint8"), 8)[None, :].repeat(8, axis=0)
    resized = resize_images(image[None, :, :, None], (8, 8))
    np.testing.assert_array_equal(resized, np.full((1, 8, 8, 1), 100))


def test_shrinking_is_antialiased():
    checks = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype("uint8")
    resized = resize_images(checks[None, :, :, None], (8, 8))
    np.testing.assert_allclose(resized, 127.5, atol=3)


def test_channels_are_resized_as_pillow_resizes_rgb():
    image = np.random.default_rng(0).integers(0, 256, (20, 20, 3), "uint8")
    expected = Image.fromarray(image).resize((9, 9), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(resize_images(image[None], (9, 9))[0], np.asarray(expected))


def test_equal_size_is_the_same_array():
    images = np.zeros((2, 4, 4, 3), "uint8")
    assert resize_images(images, (4, 4)) is images
