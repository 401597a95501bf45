"""Draw the mistakes that the model was most confident of."""

import numpy as np

from keras_vit.inspection.mistakes import confident_mistakes
from keras_vit.report.figures import (
    checked_labels,
    new_figure,
    save_figure,
    short_names,
    show_image,
)


def mistakes_picture(images, probabilities, labels, class_names, path, count=24):
    """Draws the most confident mistakes, the surest first.

    Args:
        images: `(N, H, W, C)`, 0-255.
        probabilities, labels, count: as in `confident_mistakes`.
        class_names: sequence of str.
        path: of the PNG file.
    """
    labels = checked_labels(labels, len(images), len(class_names))
    names = short_names(class_names)
    chosen = confident_mistakes(probabilities, labels, count)
    columns = max(1, min(8, len(chosen)))
    rows = max(1, -(-len(chosen) // columns))
    figure = new_figure(max(4, 1.45 * columns), 1.95 * rows + 0.5)
    axes = figure.subplots(rows, columns, squeeze=False)
    for panel in axes.flat[len(chosen) :]:
        panel.axis("off")
    for panel, index in zip(axes.flat, chosen, strict=False):
        show_image(panel, images[index])
        guess = probabilities[index].argmax()
        panel.set_title(
            f"{names[labels[index]]}\n\N{RIGHTWARDS ARROW} {names[guess]}",
            size=8,
            parse_math=False,
        )
        panel.set_xlabel(f"{probabilities[index][guess]:.1%} sure", size=8, labelpad=2)
    wrong = (np.argmax(probabilities, axis=1) != labels).sum()
    what = f"The surest of {wrong:,} mistakes"
    figure.suptitle(f"{what}: true class \N{RIGHTWARDS ARROW} predicted class", size=10)
    save_figure(figure, path)
