"""The five operations that move pixels: an inverse affine matrix, then one read for each pixel.

The coordinates are torchvision's: x to the right and y down, in pixels from the centre of the
image; the coordinates of a pixel are those of its own centre. A matrix maps a place in the output
to the place in the input from which the output pixel is read.
"""

import math

from keras_vit.augment.gather import gather_pixels

NAMES = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def inverse_matrix(
    name: str | None, magnitude: float, height: int, width: int
) -> tuple[float, float, float, float, float, float]:
    """Compute the inverse affine matrix of an operation.

    Args:
        name: str, name of the operation, or None for no operation.
        magnitude: float; for a shear a slope (the top left corner stays where it is), for a
            translation pixels, for a rotation degrees counter-clockwise.
        height: int, height of the images in pixels.
        width: int, width of the images in pixels.

    Returns:
        Six floats (a, b, c, d, e, f), with x' = a·x + b·y + c and y' = d·x + e·y + f. They are the
        identity for any other operation.
    """
    if name == "ShearX":
        return (1.0, magnitude, magnitude * height / 2, 0.0, 1.0, 0.0)
    if name == "ShearY":
        return (1.0, 0.0, 0.0, magnitude, 1.0, magnitude * width / 2)
    if name == "TranslateX":
        return (1.0, 0.0, -magnitude, 0.0, 1.0, 0.0)
    if name == "TranslateY":
        return (1.0, 0.0, 0.0, 0.0, 1.0, -magnitude)
    if name == "Rotate":
        cos, sin = math.cos(math.radians(magnitude)), math.sin(math.radians(magnitude))
        return (cos, -sin, 0.0, sin, cos, 0.0)
    return IDENTITY


def warp(backend, images, matrix, interpolation: str, fill_value: float):
    """Move the pixels of each image by an inverse affine matrix of its own.

    Args:
        backend: Keras's backend module, `self.backend` of the calling layer.
        images: tensor `(B, H, W, C)` float32.
        matrix: tensor `(B, 6)` float32, rows as `inverse_matrix` returns them.
        interpolation: "nearest" or "bilinear".
        fill_value: float, the value of pixels that come from outside the image.

    Returns:
        Tensor `(B, H, W, C)` float32.
    """
    np = backend.numpy
    _, height, width, _ = images.shape
    a, b, c, d, e, f = (np.reshape(matrix[:, i], (-1, 1, 1)) for i in range(6))
    y = np.reshape(np.arange(height, dtype="float32") - (height - 1) / 2, (1, -1, 1))
    x = np.reshape(np.arange(width, dtype="float32") - (width - 1) / 2, (1, 1, -1))
    columns = a * x + b * y + (c + (width - 1) / 2)
    rows = d * x + e * y + (f + (height - 1) / 2)
    read = _nearest if interpolation == "nearest" else _bilinear
    return read(backend, images, rows, columns, fill_value)


def _nearest(backend, images, rows, columns, fill_value):
    rows = backend.cast(backend.numpy.round(rows), "int32")
    columns = backend.cast(backend.numpy.round(columns), "int32")
    return gather_pixels(backend, images, rows, columns, fill_value)


def _bilinear(backend, images, rows, columns, fill_value):
    np = backend.numpy
    top, left = np.floor(rows), np.floor(columns)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    top, left = backend.cast(top, "int32"), backend.cast(left, "int32")

    def read(row, column):
        return gather_pixels(backend, images, row, column, fill_value)

    upper = (1 - right) * read(top, left) + right * read(top, left + 1)
    lower = (1 - right) * read(top + 1, left) + right * read(top + 1, left + 1)
    return np.round((1 - down) * upper + down * lower)
