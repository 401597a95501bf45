"""How far attention reaches."""

import numpy as np

from keras_vit.inspection.checks import checked_maps, prefix_tokens


def attention_distance(
    maps: np.ndarray,
    grid: tuple[int, int],
    patch_size: float | tuple[float, float],
) -> np.ndarray:
    """Mean distance in the image over which each head attends.

    Distances between the centres of the query's and the key's patch, weighted by the attention
    and averaged over queries and images: the ViT paper's figure 7 (right) and appendix D.7
    (arXiv 2010.11929). Prefix tokens (the first T - rows * columns) have no place: they are
    dropped, and the rows of the rest scaled to sum to 1.

    Args:
        maps: `(depth, B, heads, T, T)`, as `attention_maps` gives them.
        grid: (rows, columns) of patches.
        patch_size: side of a patch in pixels, or (height, width).

    Returns:
        `(depth, heads)` in pixels.

    Raises:
        ValueError: for maps of another shape, or with fewer tokens than the grid has patches.
    """
    maps = checked_maps(maps, "attention_distance")
    prefix = prefix_tokens(maps.shape[-1], grid)
    cells = np.stack(np.mgrid[: grid[0], : grid[1]], axis=-1).reshape(-1, 2)
    centres = cells * np.broadcast_to(patch_size, 2)
    distances = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    # One block and image at a time: a copy of all maps may not fit.
    means = [
        [_mean_distance(heads[:, prefix:, prefix:], distances) for heads in block] for block in maps
    ]
    return np.mean(means, axis=1)


def _mean_distance(weights, distances):
    """`weights` (heads, N, N), not scaled yet; (heads,)."""
    totals = np.maximum(weights.sum(axis=-1), np.finfo("float32").tiny)
    return ((weights * distances).sum(axis=-1) / totals).mean(axis=-1)
