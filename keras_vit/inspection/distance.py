"""The distance in the image over which attention reaches."""

import numpy as np

from keras_vit.inspection.checks import checked_maps, prefix_tokens


def attention_distance(
    maps: np.ndarray,
    grid: tuple[int, int],
    patch_size: float | tuple[float, float],
) -> np.ndarray:
    """Compute the mean distance in the image over which each head attends.

    Source: figure 7 (right) and appendix D.7 of the ViT paper (arXiv 2010.11929). The distance is
    the one between the centres of the query's patch and the key's patch, weighted by the attention
    and averaged over queries and images. Class and register tokens, the first T - rows * columns
    tokens, have no place in the image: they are left out, and the other weights of each row are
    scaled to sum to 1.

    Args:
        maps: float array `(depth, B, heads, T, T)`, as from `attention_maps`.
        grid: pair of ints, (rows, columns) of patches.
        patch_size: float or (height, width), size of a patch in pixels.

    Returns:
        Array `(depth, heads)`, distances in pixels.

    Raises:
        ValueError: if the maps have another shape, or fewer tokens than the grid has patches.
    """
    maps = checked_maps(maps, "attention_distance")
    prefix = prefix_tokens(maps.shape[-1], grid)
    cells = np.stack(np.mgrid[: grid[0], : grid[1]], axis=-1).reshape(-1, 2)
    centres = cells * np.broadcast_to(patch_size, 2)
    distances = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    # The loop takes one block and one image at a time, because a copy of all maps may not fit into
    # memory.
    means = [
        [_mean_distance(heads[:, prefix:, prefix:], distances) for heads in block] for block in maps
    ]
    return np.mean(means, axis=1)


def _mean_distance(weights, distances):
    """Return the mean distance of each head, `(heads,)`, for unscaled weights `(heads, N, N)`."""
    totals = np.maximum(weights.sum(axis=-1), np.finfo("float32").tiny)
    return ((weights * distances).sum(axis=-1) / totals).mean(axis=-1)
