"""The functions that all pictures share: figures, images, names and labels."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from keras_vit.extras import needed_for
from keras_vit.files import whole_file


def new_figure(width: float, height: float):
    """Make a matplotlib figure of a size in inches, without pyplot and its global state."""
    # matplotlib is imported here, because its import is slow and only pictures need it.
    with needed_for("Drawing pictures"):
        from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def check_can_draw() -> None:
    """Raise an ImportError that names the extra where pictures can't be drawn.

    A run asks at its start, so that it does not train for hours and then end without its pictures.
    """
    new_figure(1, 1)


def save_figure(figure, path: Path) -> None:
    """Save a figure as a PNG file, whole or not at all."""
    with whole_file(path) as draft:
        # With "tight" the picture grows for long names at its edge instead of cutting them off.
        figure.savefig(draft, dpi=120, format="png", bbox_inches="tight", pad_inches=0.05)


def show_image(axes, image: np.ndarray) -> None:
    """Draw one image `(H, W, C)`, 0-255, without ticks, in grey unless it has 3 channels."""
    image = np.asarray(image)
    if image.shape[-1] == 3:
        axes.imshow(np.clip(image, 0, 255).astype("uint8"))
    else:  # One channel is grey; the mean stands for channels that are not colours.
        axes.imshow(image.mean(axis=-1), cmap="gray", vmin=0, vmax=255)
    axes.set(xticks=[], yticks=[])


def spread(count: int, most: int = 8) -> list[int]:
    """Return at most `most` of `count` indices, evenly spaced from the first to the last."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()


def short_names(names: Iterable, most: int = 24) -> list[str]:
    """Return names as str of at most `most` letters; longer names are cut in the middle."""
    half = most // 2
    return [
        name if len(name) <= most else f"{name[:half]}\N{HORIZONTAL ELLIPSIS}{name[1 - half :]}"
        for name in map(str, names)
    ]


def checked_labels(labels: np.ndarray, count: int, num_classes: int) -> np.ndarray:
    """Return labels as an int array `(count,)`, or raise a ValueError for unknown classes."""
    labels = np.asarray(labels)
    whole = labels.shape == (count,) and labels.dtype.kind in "iu"
    if not whole or (count and not 0 <= labels.min() <= labels.max() < num_classes):
        raise ValueError(
            f"`labels` must be {count} classes of 0 to {num_classes - 1}. Received: labels={labels}"
        )
    return labels
