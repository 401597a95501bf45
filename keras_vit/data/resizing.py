"""One way to bring any image to a size, for files and for arrays."""

import numbers

import numpy as np


def as_height_width(image_size: int | tuple[int, int]) -> tuple[int, int]:
    """`image_size`, an int or a pair, as (height, width); `ValueError` where it is neither."""
    pair = image_size if isinstance(image_size, tuple | list) else (image_size, image_size)
    if len(pair) != 2 or not all(isinstance(n, numbers.Integral) and n > 0 for n in pair):
        raise ValueError(
            f"`image_size` must be a positive int or a (height, width) pair of them. "
            f"Received: image_size={image_size!r}"
        )
    return int(pair[0]), int(pair[1])


def resize_image(image, image_size: tuple[int, int]):
    """Scales a Pillow image to cover (height, width), and crops it around its centre.

    The aspect ratio stays. Bilinear; Pillow widens the filter when it shrinks, so nothing aliases.
    """
    from PIL import Image, ImageOps

    height, width = image_size
    if image.size == (width, height):
        return image
    return ImageOps.fit(image, (width, height), method=Image.Resampling.BILINEAR)


def resize_images(images: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """`resize_image` for a uint8 array of images, (N, H, W, C), with any number of channels."""
    if images.shape[1:3] == image_size:
        return images

    from PIL import Image

    resized = np.empty((len(images), *image_size, images.shape[-1]), "uint8")
    for index in np.ndindex(len(images), images.shape[-1]):
        number, channel = index
        plane = Image.fromarray(images[number, :, :, channel])
        resized[number, :, :, channel] = resize_image(plane, image_size)
    return resized
