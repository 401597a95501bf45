"""A picture of the hidden patches that a masked autoencoder predicts."""

from pathlib import Path

import numpy as np

from keras_vit.inspection.reconstruction import reconstruction
from keras_vit.report.figures import new_figure, save_figure, show_image
from keras_vit.train.masked_autoencoder import MaskedAutoencoder


def reconstruction_picture(model: MaskedAutoencoder, images: np.ndarray, path: Path) -> None:
    """Draw images, their visible patches, and the prediction of their hidden patches.

    Args:
        model: a `MaskedAutoencoder`.
        images: array `(B, H, W, C)`, 0-255, one for each column.
        path: Path, the PNG file.

    Raises:
        ValueError: if the model is another, or if it does not take images of this shape.
    """
    shown = reconstruction(model, images)
    rows = {"image": images, "visible": shown.masked, "predicted": shown.predicted}
    figure = new_figure(max(4.8, 1.3 * len(images)), 4.5)
    axes = figure.subplots(3, len(images), squeeze=False)
    for row, (name, pictures) in zip(axes, rows.items(), strict=True):
        row[0].set_ylabel(name, size=9)
        for panel, picture in zip(row, pictures, strict=True):
            show_image(panel, picture)
    title = f"{shown.hidden.mean():.0%} of each image are hidden and predicted from the rest"
    if model.normalize_targets:
        title += "\n(mean and contrast of a hidden patch are taken from the image)"
    figure.suptitle(title, size=10)
    save_figure(figure, path)
