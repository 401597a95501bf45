"""The search for the grid of patches among the positions of a checkpoint."""

from collections.abc import Sequence
from math import isqrt


def check_grid(grid: tuple[int, int], count: int, prefix_counts: Sequence[int]) -> None:
    """Raise an error unless the positions of a checkpoint can fill a grid.

    Args:
        grid: tuple (rows, columns) of patches, the argument of `load_checkpoint`.
        count: int, number of positions in the checkpoint.
        prefix_counts: sequence of int, how many of the positions may belong to other tokens than
            patches.

    Raises:
        ValueError: If the number of positions does not fit the grid.
    """
    rows, columns = grid
    if count - rows * columns not in prefix_counts:
        others = " or ".join(str(n) for n in sorted(set(prefix_counts)))
        raise ValueError(
            f"`grid` must fit the {count} positions of the checkpoint: rows x columns of patches, "
            f"and {others} positions of other tokens. Received: grid={grid}"
        )


def position_grid(
    count: int, prefix_counts: Sequence[int], grids: Sequence[tuple[int, int] | None]
) -> tuple[int, tuple[int, int]]:
    """Find out which positions of a checkpoint belong to patches.

    The function tries the given grids first, and a square grid after them.

    Args:
        count: int, number of positions in the checkpoint.
        prefix_counts: sequence of int, how many of the positions may belong to other tokens than
            patches, the most likely number first.
        grids: sequence of (rows, columns) to try, the most likely grid first; the function skips
            `None`.

    Returns:
        The pair (prefix count, grid): the number of positions in front of those of the patches,
        and the (rows, columns) of the patches.

    Raises:
        ValueError: If no grid fits.
    """
    for grid in grids:
        for prefix_count in prefix_counts:
            if grid is not None and grid[0] * grid[1] == count - prefix_count:
                return prefix_count, tuple(grid)
    for prefix_count in prefix_counts:
        side = isqrt(max(0, count - prefix_count))
        if side and side * side == count - prefix_count:
            return prefix_count, (side, side)
    raise ValueError(
        f"The checkpoint's {count} positions are no square grid of patches, so "
        f"grid=(rows, columns) must be given. Received: grid=None"
    )
