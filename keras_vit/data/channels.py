"""Conversion of images between grey and RGB."""

import numpy as np


def with_channels(images: np.ndarray, channels: int) -> np.ndarray:
    """Convert grey images to RGB, or RGB images to grey.

    A grey image becomes RGB by three copies of its channel. An RGB image becomes grey by the luma
    of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B, rounded.

    Args:
        images: uint8 array of shape `(N, H, W, C)`, values 0 to 255.
        channels: int, number of channels of the result.

    Returns:
        A uint8 array of shape `(N, H, W, channels)`; `images` itself if they have these channels.

    Raises:
        ValueError: If the numbers of channels differ and are not 1 and 3.
    """
    found = images.shape[3]
    if found == channels:
        return images
    if (found, channels) == (1, 3):
        return np.repeat(images, 3, axis=3)
    if (found, channels) == (3, 1):
        return np.rint(images @ np.array([[0.299], [0.587], [0.114]])).astype("uint8")
    raise ValueError(
        f"The images must have {channels} channels; only grey images (1 channel) and RGB images "
        f"(3 channels) can be converted into each other. Received: images with {found} channels"
    )
