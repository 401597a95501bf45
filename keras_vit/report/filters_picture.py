"""Draw the principal components of the first layer's filters."""

from keras_vit.inspection.filters import filter_components
from keras_vit.report.figures import new_figure, save_figure, show_image


def filters_picture(model, path, count=28):
    """Draws `filter_components`, in colour for three channels.

    Args:
        model, count: as in `filter_components`.
        path: of the PNG file.

    Raises:
        ValueError: for a model without filters on its pixels.
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
