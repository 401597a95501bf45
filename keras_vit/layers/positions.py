"""Fixed sine and cosine position embeddings, as numpy arrays."""

import numpy as np


def sincos_1d(length, dim):
    """The Transformer paper's embedding of `length` places, `(length, dim)` float32.

    Sine in the even columns, cosine in the odd ones (arXiv 1706.03762, section 3.5).
    """
    if dim % 2:
        raise ValueError(f"Sine and cosine positions need an even width. Received: dim={dim}")
    angles = np.arange(length)[:, None] / 10000 ** (np.arange(0, dim, 2) / dim)
    table = np.empty((length, dim))
    table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles)
    return table.astype("float32")


def sincos_2d(grid, dim):
    """Embedding of the cells of a (rows, columns) grid, `(rows * columns, dim)` float32.

    A quarter of the columns each for sine and cosine of the column, sine and cosine of the row
    ("Better plain ViT baselines", arXiv 2205.01580, as published with it).
    """
    if dim % 4 or dim < 8:
        raise ValueError(
            f"2-D sine and cosine positions need a width of 8 or more that 4 divides. "
            f"Received: dim={dim}"
        )
    rows, columns = np.mgrid[: grid[0], : grid[1]].reshape(2, -1)
    frequencies = 1 / 10000 ** (np.arange(dim // 4) / (dim // 4 - 1))
    x, y = np.outer(columns, frequencies), np.outer(rows, frequencies)
    return np.concatenate([np.sin(x), np.cos(x), np.sin(y), np.cos(y)], axis=1).astype("float32")


def square_grid(num_patches):
    """(rows, columns) of a square grid of that many patches."""
    side = round(num_patches**0.5)
    if side * side != num_patches:
        raise ValueError(
            f"{num_patches} patches make no square grid: say which with `grid=(rows, columns)`."
        )
    return side, side


def checked_grid(grid, num_patches):
    """`grid`, or the square one where it is None; an error where the count differs."""
    if grid is None:
        return square_grid(num_patches)
    if grid[0] * grid[1] != num_patches:
        raise ValueError(f"A grid of {grid[0]}x{grid[1]} does not hold {num_patches} patches.")
    return tuple(grid)
