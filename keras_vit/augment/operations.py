"""AutoAugment's operations as rows of numbers, so that each image of a batch can take its own.

An operation moves pixels (geometry), blends (blending) or maps values (curves). A row holds
the arguments of all three, two of which do nothing; applying a row runs the three in turn.
"""

from typing import NamedTuple

import numpy

from keras_vit.augment import blending, curves, geometry

NAMES = geometry.NAMES + blending.NAMES + curves.NAMES


class Rows(NamedTuple):
    """One row an operation: numpy arrays in a table, tensors once each image has its row."""

    matrix: object  # (R, 6) float32
    degenerate: object  # (R,) int32
    factor: object  # (R,) float32
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
    images = geometry.warp(backend, images, rows.matrix, interpolation, fill_value)
    images = blending.blend(backend, images, rows.degenerate, rows.factor)
    return curves.map_values(backend, images, rows.curve, rows.fixed)


def _row(name, magnitude, height, width):
    blends = name in blending.NAMES
    maps = name in curves.NAMES
    return (
        numpy.array(geometry.inverse_matrix(name, magnitude, height, width), "float32"),
        numpy.int32(blending.NAMES.index(name) if blends else 0),
        numpy.float32(1 + magnitude if blends else 1),
        numpy.int32(curves.NAMES.index(name) if maps else 0),
        curves.fixed_curve(name, magnitude),
    )
