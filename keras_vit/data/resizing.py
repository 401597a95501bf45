"""Scaling and cropping of images to one size, the same for files and for arrays."""

import numbers
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image


def as_height_width(image_size: int | tuple[int, int]) -> tuple[int, int]:
    """Convert an image size to a pair of ints.

    Args:
        image_size: int or pair (height, width) of ints in pixels; an int means both.

    Returns:
        The tuple (height, width).

    Raises:
        ValueError: If `image_size` is not a positive int or a pair of positive ints.
    """
    pair = image_size if isinstance(image_size, tuple | list) else (image_size, image_size)
    if len(pair) != 2 or not all(isinstance(n, numbers.Integral) and n > 0 for n in pair):
        raise ValueError(
            f"`image_size` must be a positive int or a (height, width) pair of positive ints. "
            f"Received: image_size={image_size!r}"
        )
    return int(pair[0]), int(pair[1])


def resize_image(image: "Image", image_size: tuple[int, int]) -> "Image":
    """Scale a Pillow image until it covers a size, and crop it around its centre.

    The aspect ratio stays. The filter is bilinear; Pillow widens it where it shrinks the image,
    which prevents aliasing.

    Args:
        image: `PIL.Image.Image`.
        image_size: tuple (height, width) in pixels.

    Returns:
        A `PIL.Image.Image` of this size; `image` itself if it has this size.
    """
    from PIL import Image, ImageOps

    height, width = image_size
    if image.size == (width, height):
        return image
    return ImageOps.fit(image, (width, height), method=Image.Resampling.BILINEAR)


def resize_images(images: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """Scale and crop every image of an array as `resize_image` does.

    Args:
        images: uint8 array of shape `(N, H, W, C)` with any number of channels.
        image_size: tuple (height, width) in pixels.

    Returns:
        A uint8 array of shape `(N, height, width, C)`; `images` itself if it has this size.
    """
    if images.shape[1:3] == image_size:
        return images

    from PIL import Image

    resized = np.empty((len(images), *image_size, images.shape[-1]), "uint8")
    for index in np.ndindex(len(images), images.shape[-1]):
        number, channel = index
        plane = Image.fromarray(images[number, :, :, channel])
        resized[number, :, :, channel] = resize_image(plane, image_size)
    return resized
