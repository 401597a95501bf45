"""Sine and cosine positions against their formulas."""

import math

import numpy as np
import pytest

from keras_vit.layers.positions import checked_grid, sincos_1d, sincos_2d


def test_sincos_1d_is_the_transformer_papers_formula():
    table = sincos_1d(5, 6)
    for place in range(5):
        for i in range(3):
            angle = place / 10000 ** (2 * i / 6)
            assert math.isclose(table[place, 2 * i], math.sin(angle), abs_tol=1e-6)
            assert math.isclose(table[place, 2 * i + 1], math.cos(angle), abs_tol=1e-6)


def test_sincos_2d_tells_every_cell_apart_and_is_most_like_itself():
    table = sincos_2d((3, 5), 32)
    likeness = table @ table.T
    assert (likeness.argmax(axis=1) == np.arange(15)).all()


def test_sincos_2d_splits_the_width_over_column_and_row():
    table = sincos_2d((3, 5), 32).reshape(3, 5, 2, 16)
    column, row = table[..., 0, :], table[..., 1, :]
    assert (column == column[:1]).all()
    assert (row == row[:, :1]).all()
    np.testing.assert_allclose(row[2, 0, 0], math.sin(2), atol=1e-6)  # the highest frequency is 1
    np.testing.assert_allclose(column[0, 4, 8], math.cos(4), atol=1e-6)


def test_a_grid_is_square_unless_said_and_must_hold_the_patches():
    assert checked_grid(None, 16) == (4, 4)
    assert checked_grid((2, 8), 16) == (2, 8)
    with pytest.raises(ValueError, match="15 patches do not make a square grid.*num_patches=15"):
        checked_grid(None, 15)
    with pytest.raises(
        ValueError, match=r"3x5 does not hold 16 patches.*Received: grid=\(3, 5\), num_patches=16"
    ):
        checked_grid((3, 5), 16)


def test_odd_widths_are_refused():
    with pytest.raises(ValueError, match="Received: dim=7"):
        sincos_1d(3, 7)
    with pytest.raises(ValueError, match="Received: dim=30"):
        sincos_2d((2, 2), 30)
