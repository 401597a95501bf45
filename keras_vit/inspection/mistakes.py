"""The most confident mistakes of a model, and the classes that it confuses."""

import numpy as np

from keras_vit.inspection.calibration import checked_probabilities


def confident_mistakes(
    probabilities: np.ndarray, labels: np.ndarray, count: int = 24
) -> np.ndarray:
    """Find the images with a wrong prediction of the highest probability.

    Args:
        probabilities: float array `(N, num_classes)`; each row sums to 1.
        labels: int array `(N,)`, true classes.
        count: int, largest number of images. Default: 24.

    Returns:
        Int array `(n,)`, indices of the images, the most confident mistake first.

    Raises:
        ValueError: if the arrays do not fit each other or a row does not sum to 1.
    """
    probabilities, labels = checked_probabilities(probabilities, labels)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    order = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[order[:count]]


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the images of each true class (row) and predicted class (column).

    Args:
        labels: int array `(N,)`, true classes.
        predicted: int array `(N,)`, predicted classes.
        num_classes: int, number of classes.

    Returns:
        Int array `(num_classes, num_classes)`.
    """
    matrix = np.zeros((num_classes, num_classes), int)
    np.add.at(matrix, (np.asarray(labels), np.asarray(predicted)), 1)
    return matrix


def worst_confusions(matrix: np.ndarray, count: int = 20) -> list[tuple[int, int, int]]:
    """Find the most frequent mistakes.

    Args:
        matrix: int array `(K, K)`, as from `confusion_matrix`.
        count: int, largest number of mistakes. Default: 20.

    Returns:
        A list of (true class, predicted class, number of images), the most frequent first.
    """
    mistakes = matrix * (1 - np.eye(len(matrix), dtype=int))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:count]
    cells = zip(*np.unravel_index(order, mistakes.shape), strict=True)
    return [(int(t), int(p), int(mistakes[t, p])) for t, p in cells if mistakes[t, p]]
