import numpy as np
import pytest
from PIL import Image

from keras_vit.data.image_file import read_image, reading_images

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (6, 9), "uint8")
RGB = RANDOM.integers(0, 256, (6, 9, 3), "uint8")


@pytest.fixture
def saved(tmp_path):
    def saved(image, name="image.png", **options):
        image.save(tmp_path / name, **options)
        return tmp_path / name

    return saved


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.webp"])
@pytest.mark.parametrize("array", [GREY, RGB], ids=["grey", "rgb"])
def test_lossless_formats(saved, name, array):
    path = saved(Image.fromarray(array), name, **({"lossless": True} if "webp" in name else {}))
    image = read_image(path)
    # WebP has no grey.
    if array.ndim == 2 and "webp" in name:
        array = np.stack([array] * 3, axis=-1)
    np.testing.assert_array_equal(image, array)
    assert image.dtype == "uint8"


@pytest.mark.parametrize(
    ("mode", "white", "shape"),
    [("L", 255, (6, 9)), ("RGB", (255, 255, 255), (6, 9, 3)), ("CMYK", (0, 0, 0, 0), (6, 9, 3))],
)
def test_jpeg(saved, mode, white, shape):
    image = read_image(saved(Image.new(mode, (9, 6), white), "a.jpg"))
    np.testing.assert_array_equal(image, np.full(shape, 255))


def test_black_and_white(saved):
    image = Image.fromarray(GREY > 127)
    assert image.mode == "1"
    np.testing.assert_array_equal(read_image(saved(image)), (GREY > 127) * 255)


def test_sixteen_bit_grey_keeps_its_range(saved):
    values = (GREY.astype("uint16") * 257).clip(0, 65535)
    image = read_image(saved(Image.fromarray(values)))
    np.testing.assert_array_equal(image, GREY)


def test_palettes(saved):
    colours = Image.fromarray(RGB).quantize(16)
    image = read_image(saved(colours))
    np.testing.assert_array_equal(image, np.asarray(colours.convert("RGB")))
    assert image.shape == (6, 9, 3)

    grey = Image.fromarray(GREY).convert("P")
    np.testing.assert_array_equal(read_image(saved(grey)), GREY)


def test_transparency_is_laid_on_white(saved):
    rgba = np.concatenate([RGB, np.zeros((6, 9, 1), "uint8")], axis=-1)
    rgba[0, 0, 3] = 255
    image = read_image(saved(Image.fromarray(rgba)))
    assert image.shape == (6, 9, 3)
    np.testing.assert_array_equal(image[0, 0], RGB[0, 0])
    assert (image[1:] == 255).all()

    grey = np.stack([GREY, np.full_like(GREY, 128)], axis=-1)
    image = read_image(saved(Image.fromarray(grey)))
    assert image.shape == (6, 9)
    np.testing.assert_allclose(image, GREY * (128 / 255) + 127, atol=1)


def test_transparent_palette(saved):
    image = Image.new("P", (9, 6), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((2, 1), 0)
    expected = np.full((6, 9, 3), 255)
    expected[1, 2] = [255, 0, 0]
    np.testing.assert_array_equal(read_image(saved(image, transparency=1)), expected)


@pytest.mark.parametrize(("orientation", "turn"), [(3, 2), (6, -1), (8, 1)])
def test_exif_orientation_is_honoured(saved, orientation, turn):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = read_image(saved(Image.fromarray(RGB), exif=exif))
    np.testing.assert_array_equal(image, np.rot90(RGB, turn))


def test_the_bytes_decide_and_not_the_suffix(saved):
    path = saved(Image.fromarray(RGB), "a.png")
    np.testing.assert_array_equal(read_image(path.rename(path.with_suffix(".jpg"))), RGB)


def test_other_formats_are_refused(saved):
    path = saved(Image.fromarray(RGB), "a.ppm")
    with pytest.raises(OSError, match="cannot identify image file"):
        read_image(path)


def test_decompression_bombs_are_refused(saved, monkeypatch):
    path = saved(Image.fromarray(RGB))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 6 * 9 - 1)
    with reading_images(), pytest.raises(Image.DecompressionBombWarning, match="54 pixels"):
        read_image(path)
