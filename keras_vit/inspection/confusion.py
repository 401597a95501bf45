"""Which classes are taken for which."""

import numpy as np

from keras_vit.inspection.figures import new_figure, save_figure

NAMED = 20  # classes up to which each one is named and each cell numbered


def confusion_matrix(labels, predicted, num_classes):
    """Counts `(num_classes, num_classes)`: true classes down, predicted ones across."""
    matrix = np.zeros((num_classes, num_classes), int)
    np.add.at(matrix, (np.asarray(labels), np.asarray(predicted)), 1)
    return matrix


def worst_confusions(matrix, count=20):
    """The most frequent mistakes: (true class, predicted class, how often), most first."""
    mistakes = matrix * (1 - np.eye(len(matrix), dtype=int))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:count]
    cells = zip(*np.unravel_index(order, mistakes.shape), strict=True)
    return [(int(t), int(p), int(mistakes[t, p])) for t, p in cells if mistakes[t, p]]


def confusion_picture(labels, predicted, class_names, path):
    """Draws the confusion matrix, and beside it the 20 worst confusions by name.

    Args:
        labels: true classes, int `(N,)`.
        predicted: predicted classes, int `(N,)`.
        class_names: sequence of str.
        path: of the PNG file.
    """
    matrix = confusion_matrix(labels, predicted, len(class_names))
    shares = 100 * matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    figure = new_figure(11, 6)
    axes, beside = figure.subplots(1, 2, width_ratios=(2.2, 1))
    picture = axes.imshow(shares, cmap="cividis", vmin=0, vmax=100)
    figure.colorbar(picture, ax=axes, label="% of the true class", shrink=0.8)
    axes.set(xlabel="predicted class", ylabel="true class", title="Confusion matrix, test set")
    if len(class_names) <= NAMED:
        axes.set_xticks(
            range(len(class_names)), class_names, rotation=45, ha="right", parse_math=False
        )
        axes.set_yticks(range(len(class_names)), class_names, parse_math=False)
        for (row, column), share in np.ndenumerate(shares):
            color = "black" if share > 50 else "white"
            axes.text(column, row, f"{share:.0f}", ha="center", va="center", color=color, size=8)
    beside.axis("off")
    beside.set_title("Worst confusions: true \N{RIGHTWARDS ARROW} predicted", loc="left")
    lines = [
        f"{count:4d}  {class_names[true]} \N{RIGHTWARDS ARROW} {class_names[taken]}"
        for true, taken, count in worst_confusions(matrix)
    ]
    beside.text(
        0, 0.98, "\n".join(lines) or "none", va="top", family="monospace", size=8, parse_math=False
    )
    save_figure(figure, path)
