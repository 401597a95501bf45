"""Whether a model is right as often as it says."""

from typing import NamedTuple

import numpy as np


class Calibration(NamedTuple):
    """A reliability diagram as arrays; NaN where a bin is empty."""

    edges: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray
    ece: float


def calibration(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> Calibration:
    """Confidence against accuracy, and the expected calibration error.

    Images go into bins of equal width by the probability of their predicted class; the error
    is the mean over the images of their bin's |accuracy - confidence| ("On Calibration of
    Modern Neural Networks", arXiv 1706.04599, equation 3).

    Args:
        probabilities: `(N, num_classes)`, each row summing to 1.
        labels: true classes, int `(N,)`.
        bins: how many; bin m holds confidences above m / bins and up to (m + 1) / bins.

    Returns:
        `Calibration` of `edges` `(bins + 1,)`; the mean `confidence`, the `accuracy` and the
        `count` of each bin, `(bins,)`; and `ece`, 0 to 1.

    Raises:
        ValueError: for arrays that are no probabilities of the labels' images, or no bins.
    """
    probabilities, labels = checked_probabilities(probabilities, labels)
    if bins < 1:
        raise ValueError(f"`bins` must be 1 or more. Received: {bins}")
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


def checked_probabilities(probabilities, labels):
    """Both as arrays that fit each other."""
    probabilities, labels = np.asarray(probabilities, "float64"), np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not len(labels):
        raise ValueError(
            "`probabilities` must be (N, num_classes) and `labels` (N,). "
            f"Received: shapes {probabilities.shape} and {labels.shape}"
        )
    totals = probabilities.sum(axis=1)
    if probabilities.min() < 0 or np.abs(totals - 1).max() > 1e-3:
        raise ValueError(
            "Each row of `probabilities` must be 0 or more and sum to 1 (take the softmax of "
            f"logits first). Received: sums from {totals.min():.4g} to {totals.max():.4g}"
        )
    return probabilities, labels
