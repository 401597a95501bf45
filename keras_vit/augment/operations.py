"""AutoAugment's operations as rows of numbers, so that each image of a batch can take its own.

An operation moves pixels (geometry), blends (blending) or maps values (curves). A row holds
the arguments of all three, two of which do nothing; applying a row runs the three in turn.
"""

from functools import partial
from typing import NamedTuple

import numpy

from keras_vit.augment import blending, curves, geometry
from keras_vit.augment.data_layer import update_where

PARTS = (geometry, blending, curves)
NAMES = tuple(name for part in PARTS for name in part.NAMES)


class Rows(NamedTuple):
    """One row an operation: numpy arrays in a table, tensors once each image has its row."""

    part: object  # (R,) int32, an index into PARTS, or -1 for no operation
    matrix: object  # (R, 6) float32
    degenerate: object  # (R,) int32
    own: object  # (R,) float32, the image's factor in a blend
    other: object  # (R,) float32, the degenerate's, 1 - own
    curve: object  # (R,) int32
    fixed: object  # (R, 256) float32


def encode(operations, height, width):
    """The rows of some (name, magnitude) pairs, name `None` for no operation."""
    rows = [_row(name, magnitude, height, width) for name, magnitude in operations]
    return Rows(*(numpy.stack(column) for column in zip(*rows, strict=True)))


def take_rows(backend, rows, index):
    """The row that each image takes. `index` (B,) int32."""
    return Rows(*(backend.numpy.take(column, index, axis=0) for column in rows))


def apply_rows(backend, images, rows, interpolation, fill_value):
    """`images` (B, H, W, C) float32 of whole numbers 0–255, `rows` one row an image."""
    move = partial(geometry.warp, backend, interpolation=interpolation, fill_value=fill_value)
    steps = (
        (move, rows.matrix),
        (partial(blending.blend, backend), rows.degenerate, rows.own, rows.other),
        (partial(curves.map_values, backend), rows.curve, rows.fixed),
    )
    for part, (step, *columns) in enumerate(steps):
        images = update_where(backend, rows.part == part, step, images, *columns)
    return images


def _row(name, magnitude, height, width):
    blends = name in blending.NAMES
    maps = name in curves.NAMES
    parts = [name in part.NAMES for part in PARTS]
    return (
        numpy.int32(parts.index(True) if any(parts) else -1),
        numpy.array(geometry.inverse_matrix(name, magnitude, height, width), "float32"),
        numpy.int32(blending.NAMES.index(name) if blends else 0),
        numpy.float32(1 + magnitude if blends else 1),
        numpy.float32(-magnitude if blends else 0),
        numpy.int32(curves.NAMES.index(name) if maps else 0),
        curves.fixed_curve(name, magnitude),
    )
