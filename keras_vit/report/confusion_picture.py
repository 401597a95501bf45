"""A picture of the confusion matrix and the most frequent confusions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_vit.inspection.mistakes import confusion_matrix, worst_confusions
from keras_vit.report.figures import new_figure, save_figure, short_names

NUMBERED = 20  # With at most so many classes each cell of the matrix shows its number.


def confusion_picture(
    labels: np.ndarray, predicted: np.ndarray, class_names: Sequence[str], path: Path
) -> None:
    """Draw the confusion matrix, and beside it the names of the 20 most frequent confusions.

    Args:
        labels: int array `(N,)`, true classes.
        predicted: int array `(N,)`, predicted classes.
        class_names: sequence of str, the names of the classes.
        path: Path, the PNG file.
    """
    from matplotlib.colors import PowerNorm

    matrix = confusion_matrix(labels, predicted, len(class_names))
    shares = 100 * matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    few = len(class_names) <= NUMBERED
    names = short_names(class_names)
    figure = new_figure(10.5, 5.8) if few else new_figure(13, 9.4)
    axes, beside = figure.subplots(1, 2, width_ratios=(2.2, 1) if few else (3, 1))
    # With many classes each mistake is rare. The square root makes small shares visible.
    norm = PowerNorm(1 if few else 0.5, vmin=0, vmax=100)
    picture = axes.imshow(shares, cmap="cividis", norm=norm)
    figure.colorbar(picture, ax=axes, label="% of the true class", shrink=0.8)
    axes.set(xlabel="predicted class", ylabel="true class", title="Confusion matrix, test set")
    size = None if few else min(8, 550 / len(class_names))
    axes.set_xticks(
        range(len(names)),
        names,
        rotation=45 if few else 90,
        ha="right" if few else "center",
        size=size,
        parse_math=False,
    )
    axes.set_yticks(range(len(names)), names, size=size, parse_math=False)
    if few:
        for (row, column), share in np.ndenumerate(shares):
            color = "black" if share > 50 else "white"
            text = f"{share:.{int(share < 1 or 99 < share < 100)}f}" if share else ""
            axes.text(column, row, text, ha="center", va="center", color=color, size=8)
    beside.axis("off")
    beside.set_title("Worst confusions", loc="left")
    lines = ["images  true \N{RIGHTWARDS ARROW} predicted"]
    lines += [
        f"{count:6d}  {names[true]} \N{RIGHTWARDS ARROW} {names[guess]}"
        for true, guess, count in worst_confusions(matrix)
    ]
    lines = lines if len(lines) > 1 else ["none"]
    text = beside.text(
        0,
        0.98,
        "\n".join(lines),
        va="top",
        family="monospace",
        size=min(10, 290 / max(map(len, lines))),
        linespacing=1.4,
        parse_math=False,
    )
    text.set_in_layout(False)  # Long names must not make the matrix smaller.
    save_figure(figure, path)
