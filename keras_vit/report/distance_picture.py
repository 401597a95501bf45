"""A picture of the distance over which each attention head attends."""

from pathlib import Path

import keras
import numpy as np

from keras_vit.inspection.attention import iter_attention_maps
from keras_vit.inspection.distance import attention_distance
from keras_vit.models.intermediates import plain_model
from keras_vit.report.figures import new_figure, save_figure


def attention_distance_picture(
    model: keras.Model, images: np.ndarray, path: Path, batch_size: int = 32
) -> None:
    """Draw `attention_distance` as a point for each head of each block.

    Args:
        model: a `ViT`, or an `AugmentedModel` around one.
        images: array `(B, H, W, C)`, values 0-255, over which the distances are averaged.
        path: Path, the PNG file.
        batch_size: int, number of images that the model computes at a time. Default: 32.

    Raises:
        ValueError: if the model has no blocks or does not take images of this shape.
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
    uniform = np.ones((1, 1, 1, rows * columns, rows * columns))
    reach = attention_distance(uniform, model.grid, cell).item()
    figure = new_figure(6, 3.6)
    axes = figure.subplots()
    for head, of_head in enumerate(distances.T):
        axes.plot(of_head, "o", color="C0", alpha=0.7, label="one head" if head == 0 else None)
    axes.axhline(
        reach,
        color="0.4",
        linestyle="--",
        label="the same attention to all patches",
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
