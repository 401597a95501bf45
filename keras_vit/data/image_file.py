"""Reading of one image file as 8-bit grey or RGB pixels."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from keras_vit.data.resizing import resize_image

SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff")
# The formats are named because Pillow otherwise tries all its decoders, also rarely tested ones.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")

EXIF_ORIENTATION = 0x0112
SIDEWAYS = (5, 6, 7, 8)  # the EXIF orientations that swap height and width


def is_image_file(path: Path) -> bool:
    """Return whether the suffix of a file is that of an image that `read_image` takes."""
    return path.suffix.lower() in SUFFIXES


def read_image(path: Path, image_size: tuple[int, int] | None = None) -> np.ndarray:
    """Read a PNG, JPEG, WebP, BMP, GIF or TIFF file as uint8 pixels.

    The content of the file decides which of these formats it has; its suffix does not matter. The
    function turns the image upright by its EXIF orientation, puts transparent pixels on a white
    background, and scales 16-bit grey to 8 bits. Of an animation or of several pages it reads the
    first one.

    Args:
        path: Path, the image file.
        image_size: tuple (height, width) in pixels, the size to scale and crop the image to.
            `None` keeps the size of the file. Default: None.

    Returns:
        A uint8 array with values 0 to 255, of shape `(H, W)` if the file is grey and `(H, W, 3)`
        if it has colours. A file with a palette is grey if every colour of the palette is grey.

    Raises:
        Exception: If the file is damaged or has another format, or if its pixels are floats, whose
            range no file says. Pillow's decoders raise many types of errors.
    """
    from PIL import Image, ImageOps

    with Image.open(path, formats=FORMATS) as image:
        image = _to_grey_or_rgb(ImageOps.exif_transpose(image))
    if image_size is not None:
        image = resize_image(image, image_size)
    return np.array(image)


def image_file_shape(path: Path, image_size: tuple[int, int] | None = None) -> tuple[int, ...]:
    """Return the shape of the array that `read_image` would return.

    The function decodes the whole file, because nothing less shows that a file is truncated. It
    decodes a JPEG at an eighth of its size, which takes a fraction of the time.

    Args:
        path: Path, the image file.
        image_size: tuple (height, width) in pixels, as in `read_image`. Default: None.

    Returns:
        The tuple `(H, W)` or `(H, W, 3)`.

    Raises:
        Exception: If `read_image` would raise it.
    """
    from PIL import Image, ImageOps

    with Image.open(path, formats=FORMATS) as image:
        width, height = image.size
        if image.getexif().get(EXIF_ORIENTATION) in SIDEWAYS:
            width, height = height, width
        image.draft(None, (1, 1))
        channels = () if _to_grey_or_rgb(ImageOps.exif_transpose(image)).mode == "L" else (3,)
    return (*(image_size or (height, width)), *channels)


@contextlib.contextmanager
def reading_images() -> Iterator[None]:
    """Return a context in which Pillow refuses huge images and warns of nothing else.

    An image is huge if it has more than `PIL.Image.MAX_IMAGE_PIXELS` pixels. The context must
    surround the threads that call `read_image`, because all threads share the warning filters.
    """
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _to_grey_or_rgb(image):
    from PIL import Image

    # Pillow calls the mode of 16-bit grey "I;16"; earlier versions call it "I".
    if image.mode.startswith("I"):
        values = np.asarray(image).astype("float64")
        return Image.fromarray(np.rint(values.clip(0, 65535) / 257).astype("uint8"))
    if image.mode == "F":
        raise ValueError("its pixels are floats; save them as 8 or 16 bits")
    grey = image.mode in ("1", "L", "LA") or _has_grey_palette(image)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("L" if grey else "RGB")


def _has_grey_palette(image):
    if image.mode != "P":
        return False
    red, green, blue = np.reshape(image.getpalette("RGB"), (-1, 3)).T
    return np.array_equal(red, green) and np.array_equal(green, blue)
