"""AutoAugment's operations as rows of numbers, so that each image of a batch can take its own.

The operations form three groups: they move pixels (geometry), blend images (blending) or map values
(curves). A row holds the arguments of all three groups. To apply a row is to run the three groups
in turn; two of them leave the image as it is.
"""

from functools import partial
from typing import NamedTuple

import numpy

from keras_vit.augment import blending, curves, geometry
from keras_vit.augment.data_layer import update_where

GROUPS = (geometry, blending, curves)
NAMES = tuple(name for group in GROUPS for name in group.NAMES)


class Rows(NamedTuple):
    """R operations, one in each row: NumPy arrays in a table, tensors when each image has its row.

    Args:
        group: array `(R,)` int32, index into `GROUPS`, or -1 for no operation.
        matrix: array `(R, 6)` float32, inverse affine matrix.
        enhancement: array `(R,)` int32, index into `blending.NAMES`.
        image_factor: array `(R,)` float32, factor of the image in a blend.
        degenerate_factor: array `(R,)` float32, factor of the degenerate image, 1 - `image_factor`.
        curve: array `(R,)` int32, index into `curves.NAMES`.
        fixed_curve: array `(R, 256)` float32, curve of an operation that does not depend on the
            image.
    """

    group: numpy.ndarray
    matrix: numpy.ndarray
    enhancement: numpy.ndarray
    image_factor: numpy.ndarray
    degenerate_factor: numpy.ndarray
    curve: numpy.ndarray
    fixed_curve: numpy.ndarray


def encode(operations: list[tuple[str | None, float]], height: int, width: int) -> Rows:
    """Make the rows of some operations.

    Args:
        operations: list of pairs (name, magnitude); a name of None means no operation.
        height: int, height of the images in pixels.
        width: int, width of the images in pixels.

    Returns:
        Rows of NumPy arrays, one row for each pair.
    """
    rows = [_row(name, magnitude, height, width) for name, magnitude in operations]
    return Rows(*(numpy.stack(column) for column in zip(*rows, strict=True)))


def take_rows(backend, rows: Rows, index) -> Rows:
    """Take the row of each image from a table.

    Args:
        backend: Keras's backend module, `self.backend` of the calling layer.
        rows: Rows of NumPy arrays, the table.
        index: tensor `(B,)` int32, the row of each image.

    Returns:
        Rows of B tensor rows.
    """
    return Rows(*(backend.numpy.take(column, index, axis=0) for column in rows))


def apply_rows(backend, images, rows: Rows, interpolation: str, fill_value: float):
    """Apply the row of each image to the image.

    Args:
        backend: Keras's backend module, `self.backend` of the calling layer.
        images: tensor `(B, H, W, C)` float32, whole numbers 0–255. On PyTorch it is written into.
        rows: Rows of B tensor rows.
        interpolation: "nearest" or "bilinear", for operations that move pixels.
        fill_value: float, the value of pixels that come from outside the image.

    Returns:
        Tensor `(B, H, W, C)` float32.
    """
    move = partial(geometry.warp, backend, interpolation=interpolation, fill_value=fill_value)
    steps = (
        (move, rows.matrix),
        (
            partial(blending.blend, backend),
            rows.enhancement,
            rows.image_factor,
            rows.degenerate_factor,
        ),
        (partial(curves.map_values, backend), rows.curve, rows.fixed_curve),
    )
    for group, (step, *columns) in enumerate(steps):
        images = update_where(backend, rows.group == group, step, images, *columns)
    return images


def _row(name, magnitude, height, width):
    blends = name in blending.NAMES
    maps = name in curves.NAMES
    groups = [name in group.NAMES for group in GROUPS]
    return Rows(
        group=numpy.int32(groups.index(True) if any(groups) else -1),
        matrix=numpy.array(geometry.inverse_matrix(name, magnitude, height, width), "float32"),
        enhancement=numpy.int32(blending.NAMES.index(name) if blends else 0),
        image_factor=numpy.float32(1 + magnitude if blends else 1),
        degenerate_factor=numpy.float32(-magnitude if blends else 0),
        curve=numpy.int32(curves.NAMES.index(name) if maps else 0),
        fixed_curve=curves.fixed_curve(name, magnitude),
    )
