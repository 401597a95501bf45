"""How far attention reaches."""

import numpy as np

from keras_vit.inspection.attention import iter_attention_maps
from keras_vit.inspection.checks import checked_maps, prefix_tokens
from keras_vit.inspection.figures import new_figure, save_figure
from keras_vit.models.intermediates import plain_model


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


def attention_distance_picture(model, images, path, batch_size=32):
    """Draws `attention_distance`: a point for each head, block by block.

    Args:
        model: a `ViT`, or an `AugmentedModel` around one.
        images: `(B, H, W, C)`, values 0-255, over which the distances are averaged.
        path: of the PNG file.
        batch_size: images at a time.
    """
    model = plain_model(model)
    height, width = model.input_shape[1:3]
    rows, columns = model.grid
    cell = (height / rows, width / columns)
    total = sum(
        maps.shape[1] * attention_distance(maps, model.grid, cell)
        for maps in iter_attention_maps(model, images, batch_size=batch_size)
    )
    distances = total / len(images)
    even = np.ones((1, 1, 1, rows * columns, rows * columns))
    reach = attention_distance(even, model.grid, cell).item()
    figure = new_figure(6, 3.6)
    axes = figure.subplots()
    for head, of_head in enumerate(distances.T):
        axes.plot(of_head, "o", color="C0", alpha=0.7, label="a head" if not head else None)
    axes.axhline(
        reach,
        color="0.4",
        linestyle="--",
        label="attention to all patches alike",
    )
    axes.set(
        xlabel="block",
        ylabel="mean attention distance in pixels",
        title=f"How far the heads look, {len(images):,} images of {height}x{width} pixels",
        xlim=(-0.5, len(distances) - 0.5),
        ylim=(0, 1.1 * max(reach, distances.max())),
    )
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2)
    save_figure(figure, path)
