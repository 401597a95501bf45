"""Calibration: the comparison of a model's confidence with its accuracy."""

from typing import NamedTuple

import numpy as np


class Calibration(NamedTuple):
    """A reliability diagram as arrays.

    Attributes:
        edges: float array `(bins + 1,)`, the limits of the bins.
        confidence: float array `(bins,)`, mean confidence in a bin; NaN in an empty bin.
        accuracy: float array `(bins,)`, accuracy in a bin; NaN in an empty bin.
        count: int array `(bins,)`, number of images in a bin.
        ece: float, 0 to 1, the expected calibration error.
    """

    edges: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray
    ece: float


def calibration(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> Calibration:
    """Compare confidence with accuracy, and compute the expected calibration error.

    Source: "On Calibration of Modern Neural Networks", arXiv 1706.04599, equation 3. Images are
    sorted into bins of equal width by the probability of their predicted class. The error is the
    mean of |accuracy - confidence| over the bins, weighted by the number of images in each.

    Args:
        probabilities: float array `(N, num_classes)`; each row sums to 1.
        labels: int array `(N,)`, true classes.
        bins: int, 1 or more, number of bins. Bin m holds confidences above m / bins and up to
            (m + 1) / bins. Default: 15.

    Returns:
        A `Calibration`.

    Raises:
        ValueError: if the arrays do not fit each other, if a row does not sum to 1, or if `bins` is
            below 1.
    """
    probabilities, labels = checked_probabilities(probabilities, labels)
    if bins < 1:
        raise ValueError(f"`bins` must be 1 or more. Received: bins={bins}")
    confidences = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    index = np.clip(np.searchsorted(edges, confidences) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(index, confidences, bins) / count
        accuracy = np.bincount(index, right, bins) / count
    gaps = np.nan_to_num(np.abs(accuracy - confidence))
    return Calibration(
        edges, confidence, accuracy, count, float((gaps * count).sum() / len(labels))
    )


def checked_probabilities(
    probabilities: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and labels as arrays, or raise a ValueError if they do not fit."""
    probabilities, labels = np.asarray(probabilities, "float64"), np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not len(labels):
        raise ValueError(
            "`probabilities` must be (N, num_classes) and `labels` (N,), with N of 1 or more. "
            f"Received: shapes {probabilities.shape} and {labels.shape}"
        )
    totals = probabilities.sum(axis=1)
    if probabilities.min() < 0 or np.abs(totals - 1).max() > 1e-3:
        raise ValueError(
            "Each row of `probabilities` must be 0 or more and sum to 1; apply a softmax to logits "
            f"first. Received: sums from {totals.min():.4g} to {totals.max():.4g}"
        )
    return probabilities, labels
