"""A picture of the most confident mistakes of a model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_vit.inspection.mistakes import confident_mistakes
from keras_vit.report.figures import (
    checked_labels,
    new_figure,
    save_figure,
    short_names,
    show_image,
)


def mistakes_picture(
    images: np.ndarray,
    probabilities: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    path: Path,
    count: int = 24,
) -> None:
    """Draw the images of the most confident mistakes, the most confident first.

    Args:
        images: array `(N, H, W, C)`, 0-255.
        probabilities: float array `(N, num_classes)`; each row sums to 1.
        labels: int array `(N,)`, true classes.
        class_names: sequence of str, the names of the classes.
        path: Path, the PNG file.
        count: int, largest number of images. Default: 24.

    Raises:
        ValueError: if the arrays do not fit each other or there is no class of a label.
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
        panel.set_xlabel(f"probability {probabilities[index][guess]:.1%}", size=8, labelpad=2)
    wrong = (np.argmax(probabilities, axis=1) != labels).sum()
    what = f"The most confident of {wrong:,} mistakes"
    figure.suptitle(f"{what}: true class \N{RIGHTWARDS ARROW} predicted class", size=10)
    save_figure(figure, path)
