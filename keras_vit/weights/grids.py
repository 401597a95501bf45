"""Which positions of a checkpoint are the patches', and over which grid."""

from math import isqrt


def check_grid(grid, count, prefixes):
    """A ValueError where `count` positions are not of this (rows, columns) of patches.

    Args:
        grid: what the user says.
        count: of positions.
        prefixes: how many may be no patch's.
    """
    rows, columns = grid
    if count - rows * columns not in prefixes:
        raise ValueError(
            f"{count} positions are not of a grid of {rows}x{columns} patches. "
            f"Received: grid={grid}"
        )


def position_grid(count, prefixes, grids):
    """How many of `count` positions are no patch's, and the (rows, columns) of the others.

    Args:
        count: of positions.
        prefixes: how many may be no patch's, the likeliest first.
        grids: grids that it may be, the likeliest first; None is passed over. Otherwise a square.

    Returns:
        (prefix, grid).

    Raises:
        ValueError: where none fits.
    """
    for grid in grids:
        for prefix in prefixes:
            if grid is not None and grid[0] * grid[1] == count - prefix:
                return prefix, tuple(grid)
    for prefix in prefixes:
        side = isqrt(max(0, count - prefix))
        if side and side * side == count - prefix:
            return prefix, (side, side)
    raise ValueError(
        f"{count} positions are no square grid of patches: say which with grid=(rows, columns)"
    )
