"""Draw what a masked autoencoder predicts of the patches that it does not see."""

from keras_vit.inspection.reconstruction import reconstruction
from keras_vit.report.figures import new_figure, save_figure, show_image


def reconstruction_picture(model, images, path):
    """Draws images, what is visible of them, and what is predicted of the rest.

    Args:
        model, images: as in `reconstruction`; a column each.
        path: of the PNG file.
    """
    shown = reconstruction(model, images)
    rows = {"image": images, "visible": shown.masked, "predicted": shown.predicted}
    figure = new_figure(max(4.8, 1.3 * len(images)), 4.5)
    axes = figure.subplots(3, len(images), squeeze=False)
    for row, (name, pictures) in zip(axes, rows.items(), strict=True):
        row[0].set_ylabel(name, size=9)
        for panel, picture in zip(row, pictures, strict=True):
            show_image(panel, picture)
    title = f"{shown.hidden.mean():.0%} of each image hidden, and predicted from the rest"
    if model.normalize_targets:
        title += "\n(mean and contrast of a hidden patch are the image's own)"
    figure.suptitle(title, size=10)
    save_figure(figure, path)
