"""Mistakes: the most confident ones, and which classes are taken for which."""

import numpy as np

from keras_vit.inspection.calibration import checked_probabilities


def confident_mistakes(probabilities, labels, count=24):
    """Which images were taken for another class with the greatest confidence.

    Args:
        probabilities: `(N, num_classes)`, each row summing to 1.
        labels: true classes, int `(N,)`.
        count: how many at most.

    Returns:
        int `(n,)`: their indices, the surest mistake first.
    """
    probabilities, labels = checked_probabilities(probabilities, labels)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    order = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[order[:count]]


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
