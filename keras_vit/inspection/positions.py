"""How alike the position embeddings are, over the image."""

import keras
import numpy as np

from keras_vit.inspection.figures import new_figure, save_figure, spread
from keras_vit.layers import PatchEncoder
from keras_vit.models.intermediates import plain_model


def position_similarity(model: keras.Model) -> np.ndarray:
    """Cosine similarity of each patch's position embedding with every other's.

    Figure 7 (middle) of the ViT paper (arXiv 2010.11929).

    Args:
        model: a model with a `PatchEncoder` whose positions are learned or fixed, or an
            `AugmentedModel` around one.

    Returns:
        float32 `(rows, columns, rows, columns)`, values -1 to 1: `[i, j]` is the map of
        similarities to the patch in row i, column j.

    Raises:
        ValueError: for a model that adds no positions to its tokens.
    """
    model = plain_model(model)
    encoders = [x for x in getattr(model, "layers", []) if isinstance(x, PatchEncoder)]
    positions = encoders[0].patch_positions() if encoders else None
    if positions is None:
        why = "positions=None" if encoders else "no PatchEncoder"
        raise ValueError(f"The model adds no positions to its patches ({why}): {model!r}")
    lengths = np.linalg.norm(positions, axis=-1, keepdims=True)
    directions = positions / np.maximum(lengths, np.finfo("float32").tiny)
    return (directions @ directions.T).reshape(*model.grid, *model.grid)


def position_similarity_picture(model, path):
    """Draws `position_similarity`: for each patch of the image a map over all patches.

    Args:
        model: as in `position_similarity`. Of a grid of more than 8 rows or columns, 8 spread
            evenly are drawn.
        path: of the PNG file.

    Raises:
        ValueError: for a model that adds no positions to its tokens.
    """
    similarity = position_similarity(model)
    rows, columns = (spread(size) for size in similarity.shape[:2])
    height = 0.72 * similarity.shape[2] / similarity.shape[3]
    figure = new_figure(max(4.6, 0.72 * len(columns) + 1.7), (height + 0.04) * len(rows) + 0.8)
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    # The similarity of a patch with itself is 1 everywhere and would hide the others' range.
    low = min(0, similarity.min())
    for (i, j), panel in np.ndenumerate(axes):
        drawn = panel.imshow(similarity[rows[i], columns[j]], cmap="viridis", vmin=low, vmax=1)
        panel.set(xticks=[], yticks=[])
    for panel, row in zip(axes[:, 0], rows, strict=True):
        panel.set_ylabel(row, size=8, rotation=0, ha="right", va="center")
    for panel, column in zip(axes[-1], columns, strict=True):
        panel.set_xlabel(column, size=8)
    figure.supylabel("row of the patch", size=9)
    figure.supxlabel("column of the patch", size=9)
    figure.colorbar(drawn, ax=axes, aspect=30, label="cosine similarity")
    figure.suptitle("Position embedding of each patch against all others", size=10)
    save_figure(figure, path)
