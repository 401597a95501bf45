"""A picture of the principal components of the first layer's filters."""

from pathlib import Path

import keras

from keras_vit.inspection.filters import filter_components
from keras_vit.report.figures import new_figure, save_figure, show_image


def filters_picture(model: keras.Model, path: Path, count: int = 28) -> None:
    """Draw `filter_components`, in colour if the images have three channels.

    Args:
        model: a model of images, or an `AugmentedModel` around such a model.
        path: Path, the PNG file.
        count: int, 1 or more, largest number of components. Default: 28.

    Raises:
        ValueError: if the model has no filters on the pixels or `count` is below 1.
    """
    components = filter_components(model, count)
    columns = min(7, len(components))
    rows = -(-len(components) // columns)
    height, width = components.shape[1:3]
    figure = new_figure(max(3.6, 0.95 * columns), (0.95 * height / width + 0.2) * rows + 0.6)
    axes = figure.subplots(rows, columns, squeeze=False)
    for panel in axes.flat[len(components) :]:
        panel.axis("off")
    for index, component in enumerate(components):
        show_image(axes.flat[index], 255 * component)
        axes.flat[index].set_xlabel(index + 1, size=8, labelpad=1)
    figure.suptitle(
        f"Principal components of the {height}x{width} filters\non the pixels (mid-grey: weight 0)",
        size=10,
    )
    save_figure(figure, path)
