"""Fixed sine and cosine position embeddings, as NumPy arrays."""

import numpy as np


def sincos_1d(length: int, dim: int) -> np.ndarray:
    """Compute the Transformer paper's embedding of the positions of a sequence.

    The even columns hold sines, the odd ones cosines. Source: arXiv 1706.03762, section 3.5.

    Args:
        length: int, number of positions.
        dim: int, width of the embedding; must be even.

    Returns:
        Array `(length, dim)` float32.

    Raises:
        ValueError: if `dim` is odd.
    """
    if dim % 2:
        raise ValueError(
            f"`dim`, the width of sine and cosine positions, must be even. Received: dim={dim}"
        )
    angles = np.arange(length)[:, None] / 10000 ** (np.arange(0, dim, 2) / dim)
    table = np.empty((length, dim))
    table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles)
    return table.astype("float32")


def sincos_2d(grid: tuple[int, int], dim: int) -> np.ndarray:
    """Compute an embedding of the cells of a grid.

    The columns of the result are four blocks of equal width: the sine and the cosine of the cell's
    column, then the sine and the cosine of the cell's row. Source: the published code of "Better
    plain ViT baselines for ImageNet-1k" (arXiv 2205.01580).

    Args:
        grid: pair of ints, (rows, columns).
        dim: int, width of the embedding; a multiple of 4 and at least 8.

    Returns:
        Array `(rows * columns, dim)` float32, the cells row by row.

    Raises:
        ValueError: if `dim` is not a multiple of 4 or is less than 8.
    """
    if dim % 4 or dim < 8:
        raise ValueError(
            "`dim`, the width of 2-D sine and cosine positions, must be a multiple of 4 and at "
            f"least 8. Received: dim={dim}"
        )
    rows, columns = np.mgrid[: grid[0], : grid[1]].reshape(2, -1)
    frequencies = 1 / 10000 ** (np.arange(dim // 4) / (dim // 4 - 1))
    x, y = np.outer(columns, frequencies), np.outer(rows, frequencies)
    return np.concatenate([np.sin(x), np.cos(x), np.sin(y), np.cos(y)], axis=1).astype("float32")


def square_grid(num_patches: int) -> tuple[int, int]:
    """Return the square grid of a number of patches.

    Args:
        num_patches: int, number of patches.

    Returns:
        Pair of ints, (rows, columns), which are equal.

    Raises:
        ValueError: if `num_patches` is not a square number.
    """
    side = round(num_patches**0.5)
    if side * side != num_patches:
        raise ValueError(
            f"{num_patches} patches do not make a square grid. State the grid as "
            f"`grid=(rows, columns)`. Received: grid=None, num_patches={num_patches}"
        )
    return side, side


def checked_grid(grid: tuple[int, int] | None, num_patches: int) -> tuple[int, int]:
    """Return a grid after a check that it holds the patches.

    Args:
        grid: pair of ints, (rows, columns), or None for the square grid.
        num_patches: int, number of patches.

    Returns:
        Pair of ints, (rows, columns).

    Raises:
        ValueError: if the grid holds another number of patches, or if `grid` is None and the
            patches do not make a square grid.
    """
    if grid is None:
        return square_grid(num_patches)
    if grid[0] * grid[1] != num_patches:
        raise ValueError(
            f"`grid` must hold exactly {num_patches} patches. A grid of {grid[0]}x{grid[1]} does "
            f"not hold {num_patches} patches. "
            f"Received: grid={tuple(grid)}, num_patches={num_patches}"
        )
    return tuple(grid)
