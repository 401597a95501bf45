"""Two-dimensional rotary positions: queries and keys turned by an angle for row and column."""

import numpy as np
from keras import ops


def rotary_tables(grid, head_dim, num_prefix_tokens, theta=100.0):
    """Cosine and sine for each token, two float32 arrays `(T, head_dim)`.

    Axial form: one half of a head's pairs turns with the row, the other with the column, at
    frequencies `theta^(-k / K)`; theta = 100 as in "Rotary Position Embedding for Vision
    Transformer" (arXiv 2403.13298, section 3). Prefix tokens have no place and are not turned.
    """
    if head_dim % 4:
        raise ValueError(
            f"Rotary positions need heads of a width that 4 divides. Received: {head_dim}"
        )
    frequencies = theta ** -(np.arange(head_dim // 4) / (head_dim // 4))
    rows, columns = np.mgrid[: grid[0], : grid[1]].reshape(2, -1)
    angles = np.concatenate([np.outer(rows, frequencies), np.outer(columns, frequencies)], axis=1)
    angles = np.pad(np.tile(angles, 2), ((num_prefix_tokens, 0), (0, 0)))
    return np.cos(angles).astype("float32"), np.sin(angles).astype("float32")


def rotate(x, tables):
    """Turns queries or keys `(B, T, heads, head_dim)`; pairs are (i, i + head_dim / 2)."""
    cosine, sine = (ops.cast(table[:, None], x.dtype) for table in tables)
    first, second = ops.split(x, 2, axis=-1)
    return x * cosine + ops.concatenate([-second, first], axis=-1) * sine
