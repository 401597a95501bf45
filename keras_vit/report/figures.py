"""What all pictures share: figures that need no display, images and captions on them."""

import numpy as np

from keras_vit.extras import needed_for
from keras_vit.files import whole_file


def new_figure(width, height):
    """A matplotlib figure of that size in inches, apart from pyplot's global state."""
    with needed_for("Drawing pictures"):  # slow to import, and only pictures need it
        from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def check_can_draw() -> None:
    """Raise an ImportError that names the extra where pictures can't be drawn.

    A run asks at its start, so that it does not train for hours and then end without its pictures.
    """
    new_figure(1, 1)


def save_figure(figure, path):
    with whole_file(path) as draft:
        # "tight": long names at the rim are never cut off.
        figure.savefig(draft, dpi=120, format="png", bbox_inches="tight", pad_inches=0.05)


def show_image(axes, image):
    """Draws one image `(H, W, C)` of 0-255 without ticks; grey unless it has 3 channels."""
    image = np.asarray(image)
    if image.shape[-1] == 3:
        axes.imshow(np.clip(image, 0, 255).astype("uint8"))
    else:  # grey, or channels that are no colours
        axes.imshow(image.mean(axis=-1), cmap="gray", vmin=0, vmax=255)
    axes.set(xticks=[], yticks=[])


def spread(count, most=8):
    """At most `most` of `count` indices, evenly, the first and the last among them."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()


def short_names(names, most=24):
    """Names as str of at most so many letters, what is too long cut in the middle."""
    half = most // 2
    return [
        name if len(name) <= most else f"{name[:half]}\N{HORIZONTAL ELLIPSIS}{name[1 - half :]}"
        for name in map(str, names)
    ]


def checked_labels(labels, count, num_classes):
    """`labels` as int `(count,)` of known classes."""
    labels = np.asarray(labels)
    whole = labels.shape == (count,) and labels.dtype.kind in "iu"
    if not whole or (count and not 0 <= labels.min() <= labels.max() < num_classes):
        raise ValueError(
            f"`labels` must be {count} classes of 0 to {num_classes - 1}. Received: {labels}"
        )
    return labels
