"""A picture of the similarity of the position embeddings."""

from pathlib import Path

import keras
import numpy as np

from keras_vit.inspection.positions import position_similarity
from keras_vit.report.figures import new_figure, save_figure, spread


def position_similarity_picture(model: keras.Model, path: Path) -> None:
    """Draw `position_similarity` as a map over all patches for each patch.

    If the grid has more than 8 rows or columns, the picture shows 8 evenly spaced ones.

    Args:
        model: a model that adds positions to its tokens, or an `AugmentedModel` around such a
            model.
        path: Path, the PNG file.

    Raises:
        ValueError: if the model adds no positions to its tokens.
    """
    similarity = position_similarity(model)
    rows, columns = (spread(size) for size in similarity.shape[:2])
    height = 0.72 * similarity.shape[2] / similarity.shape[3]
    figure = new_figure(max(4.6, 0.72 * len(columns) + 1.7), (height + 0.04) * len(rows) + 0.8)
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    # The scale ends at 1, the similarity of a patch with itself, and starts at 0 or below.
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
