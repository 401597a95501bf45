"""A reliability diagram, which compares a model's confidence with its accuracy."""

from pathlib import Path

import numpy as np

from keras_vit.inspection.calibration import calibration
from keras_vit.report.figures import new_figure, save_figure


def calibration_picture(
    probabilities: np.ndarray, labels: np.ndarray, path: Path, bins: int = 15
) -> None:
    """Draw a reliability diagram, and below it the share of the images in each bin.

    Args:
        probabilities: float array `(N, num_classes)`; each row sums to 1.
        labels: int array `(N,)`, true classes.
        path: Path, the PNG file.
        bins: int, 1 or more, number of bins. Default: 15.

    Raises:
        ValueError: as in `calibration`.
    """
    found = calibration(probabilities, labels, bins)
    figure = new_figure(5, 5.4)
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    place = {"x": 100 * found.edges[:-1], "width": 100 / bins, "align": "edge"}
    axes.bar(
        height=100 * np.nan_to_num(found.accuracy), edgecolor="white", label="accuracy", **place
    )
    axes.plot([0, 100], [0, 100], color="0.2", linestyle="--", label="perfectly calibrated")
    axes.plot(
        100 * found.confidence,
        100 * found.accuracy,
        "o",
        color="C1",
        clip_on=False,
        label="mean of a bin",
    )
    axes.set(ylabel="accuracy in %", xlim=(0, 100), ylim=(0, 100))
    axes.set_title(f"{len(labels):,} images, expected calibration error {found.ece:.1%}", size=11)
    below.bar(height=100 * found.count / found.count.sum(), color="0.6", edgecolor="white", **place)
    below.set(xlabel="confidence: probability of the predicted class in %", ylabel="images in %")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    save_figure(figure, path)
