"""The four enhancements: each blends the image with a degenerate image, as PIL's ImageEnhance does.

The degenerate image is black for Brightness, the mean grey for Contrast, the grey image for Color
and the smoothed image for Sharpness. A factor of 0 gives the degenerate image, a factor of 1 the
image itself, and a factor above 1 enlarges the difference between them.
"""

NAMES = ("Brightness", "Contrast", "Color", "Sharpness")


def blend(backend, images, enhancement, image_factor, degenerate_factor):
    """Blend each image with the degenerate image of its own enhancement.

    The result is cut to 0–255 and truncated to whole numbers, as in uint8.

    Args:
        backend: Keras's backend module, `self.backend` of the calling layer.
        images: tensor `(B, H, W, C)` float32, whole numbers 0–255.
        enhancement: tensor `(B,)` int32, indices into `NAMES`.
        image_factor: tensor `(B,)` float32, factor of the image. 1 leaves the image as it is.
        degenerate_factor: tensor `(B,)` float32, 1 - `image_factor`. It is an argument, because a
            subtraction in float32 would lose its last bits.

    Returns:
        Tensor `(B, H, W, C)` float32, whole numbers 0–255.
    """
    np = backend.numpy
    enhancement, image_factor, degenerate_factor = (
        np.reshape(value, (-1, 1, 1, 1)) for value in (enhancement, image_factor, degenerate_factor)
    )
    grey = _grey(np, images)
    mean = np.mean(grey, axis=(1, 2, 3), keepdims=True)
    degenerate = np.where(enhancement == NAMES.index("Contrast"), mean, 0.0)
    degenerate = np.where(enhancement == NAMES.index("Color"), grey, degenerate)
    degenerate = np.where(enhancement == NAMES.index("Sharpness"), _smooth(np, images), degenerate)
    blended = image_factor * images + degenerate_factor * degenerate
    blended = np.floor(np.clip(blended, 0, 255))
    if images.shape[-1] == 1:
        # An image of one channel is its own grey image. It is returned as it is, because the
        # truncation after the blend could still change it.
        return np.where(enhancement == NAMES.index("Color"), images, blended)
    return blended


def _grey(np, images):
    """Compute the grey image, `(B, H, W, 1)`, with PIL's weights of the colours."""
    if images.shape[-1] == 1:
        return images
    red, green, blue = (images[..., i : i + 1] for i in range(3))
    return np.floor(0.2989 * red + 0.587 * green + 0.114 * blue)


def _smooth(np, images):
    """Take a 3×3 mean in which the centre counts five times; pixels on the border do not change."""
    _, height, width, _ = images.shape
    if height < 3 or width < 3:
        return images
    bands = images[:, :-2] + images[:, 1:-1] + images[:, 2:]
    total = bands[:, :, :-2] + bands[:, :, 1:-1] + bands[:, :, 2:]
    inner = np.round((total + 4 * images[:, 1:-1, 1:-1]) / 13)
    middle = np.concatenate([images[:, 1:-1, :1], inner, images[:, 1:-1, -1:]], axis=2)
    return np.concatenate([images[:, :1], middle, images[:, -1:]], axis=1)
