"""Two-dimensional rotary positions: queries and keys rotated by angles for row and column."""

import numpy as np
from keras import ops


def rotary_tables(
    grid: tuple[int, int], head_dim: int, num_prefix_tokens: int, theta: float = 100.0
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the cosine and the sine of each token's angles.

    This is the axial form of "Rotary Position Embedding for Vision Transformer" (arXiv 2403.13298,
    section 3): half of a head's pairs of channels rotate with the row and the other half with the
    column, at the frequencies `theta^(-k / K)`, where K is a quarter of the head's width. Prefix
    tokens have no place in the grid and are not rotated.

    Args:
        grid: pair of ints, (rows, columns) of patches.
        head_dim: int, width of a head; a multiple of 4.
        num_prefix_tokens: int, number of tokens in front of the patches.
        theta: float, base of the frequencies. Default: 100.0, as in the paper.

    Returns:
        Two arrays `(T, head_dim)` float32, cosines and sines.

    Raises:
        ValueError: if `head_dim` is not a multiple of 4.
    """
    if head_dim % 4:
        raise ValueError(
            "Rotary positions need heads whose width is a multiple of 4. "
            f"Received: head_dim={head_dim}"
        )
    frequencies = theta ** -(np.arange(head_dim // 4) / (head_dim // 4))
    rows, columns = np.mgrid[: grid[0], : grid[1]].reshape(2, -1)
    angles = np.concatenate([np.outer(rows, frequencies), np.outer(columns, frequencies)], axis=1)
    angles = np.pad(np.tile(angles, 2), ((num_prefix_tokens, 0), (0, 0)))
    return np.cos(angles).astype("float32"), np.sin(angles).astype("float32")


def rotate(x, tables: tuple[np.ndarray, np.ndarray]):
    """Rotate queries or keys by the angles of their tokens.

    The pairs that rotate together are the channels i and i + head_dim / 2.

    Args:
        x: float tensor `(B, T, heads, head_dim)`.
        tables: pair of arrays `(T, head_dim)`, as `rotary_tables` returns them.

    Returns:
        Tensor of the shape and type of `x`.
    """
    cosine, sine = (ops.cast(table[:, None], x.dtype) for table in tables)
    first, second = ops.split(x, 2, axis=-1)
    return x * cosine + ops.concatenate([-second, first], axis=-1) * sine
