"""One image file in, 8-bit grey or RGB pixels out."""

import contextlib
import warnings
from pathlib import Path

import numpy as np

from keras_vit.data.resizing import resize_image

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
# Named formats, because Pillow would otherwise try its rarest decoders on any bytes.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")


def read_image(path: Path, image_size: tuple[int, int] | None = None) -> np.ndarray:
    """Reads a PNG, JPEG, WebP or BMP file, whatever of these its suffix says.

    It is turned upright as its EXIF orientation tells; what is transparent is laid on white;
    16-bit grey is scaled to 8 bits; of an animation the first picture is taken.

    Args:
        path: The file.
        image_size: (height, width) to scale and crop to, or `None`.

    Returns:
        uint8 from 0 to 255: (H, W) if the file is grey, (H, W, 3) if it has colours. A palette
        counts as colours, unless all of them are grey.

    Raises:
        Exception: Of many kinds, as Pillow's decoders do on damaged files.
    """
    from PIL import Image, ImageOps

    with Image.open(path, formats=FORMATS) as image:
        image = _to_grey_or_rgb(ImageOps.exif_transpose(image))
    if image_size is not None:
        image = resize_image(image, image_size)
    return np.array(image)


def image_file_shape(path: Path, image_size: tuple[int, int] | None = None) -> tuple[int, ...]:
    """The shape that `read_image` would give, of a file that it can read.

    It decodes the whole file, since a truncated one is found in no other way, but a JPEG at an
    eighth of its size, which takes a fraction of the time.

    Args:
        path, image_size: As in `read_image`.

    Returns:
        (H, W) or (H, W, 3).

    Raises:
        Exception: What `read_image` would raise.
    """
    from PIL import Image, ImageOps

    with Image.open(path, formats=FORMATS) as image:
        width, height = image.size
        if image.getexif().get(0x0112) in (5, 6, 7, 8):  # the orientations that lie on a side
            width, height = height, width
        image.draft(None, (1, 1))
        channels = () if _to_grey_or_rgb(ImageOps.exif_transpose(image)).mode == "L" else (3,)
    return (*(image_size or (height, width)), *channels)


@contextlib.contextmanager
def reading_images():
    """Makes Pillow refuse images of more than `PIL.Image.MAX_IMAGE_PIXELS`, and warn of nothing.

    It surrounds the threads that call `read_image`, because warning filters belong to all threads.
    """
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _to_grey_or_rgb(image):
    from PIL import Image

    # "I;16", or "I" for the same file in earlier versions of Pillow.
    if image.mode.startswith("I"):
        values = np.asarray(image).astype("float64")
        return Image.fromarray(np.rint(values.clip(0, 65535) / 257).astype("uint8"))
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
