"""Stratified splits that also work where a class has very few images."""

import numbers

import numpy as np


def train_validation_split(
    x: np.ndarray, y: np.ndarray, fraction: float = 0.1, seed: int = 0
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Cuts a validation part out of training data, with the same share of every class.

    Args:
        x: Images, or anything with `N` entries, `(N, ...)`.
        y: Integer labels, `(N,)`.
        fraction: Share of each class for validation, above 0 and below 1; at least one entry of
            each class that has two, and none of a class that has one.
        seed: Of the split. The same labels, fraction and seed give the same split, everywhere.

    Returns:
        `(x_train, y_train), (x_validation, y_validation)`: copies, the first in random order and
        the second in the order of `x`.

    Raises:
        ValueError: If `x` and `y` differ in length, `y` is not `(N,)`, the fraction or seed is out
            of range, or no class has two entries.
    """
    check_fraction("fraction", fraction)
    check_seed(seed)
    x, y = np.asarray(x), np.asarray(y)
    if y.ndim != 1 or x.ndim == 0 or len(x) != len(y):
        raise ValueError(
            f"`y` must be (N,), one label for each entry of `x`. "
            f"Received: x.shape={x.shape}, y.shape={y.shape}"
        )
    train, validation = stratified_split(y, fraction, seed)
    if not len(validation):
        raise ValueError(
            f"No class has two entries to split between training and validation. "
            f"Received: {len(y)} labels of {len(np.unique(y))} classes"
        )
    return (x[train], y[train]), (x[validation], y[validation])


def stratified_split(
    labels: np.ndarray, fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of a stratified split.

    scikit-learn's `train_test_split(stratify=…)` refuses classes with one member and parts with
    fewer members than classes; small folders of images have both.

    Args:
        labels: Integers, `(N,)`.
        fraction: Share of each class in the second part; at least one of two, none of one.
        seed: Of the split.

    Returns:
        Indices of the first part in random order (so that its beginning is a sample of all
        classes), and of the second in rising order.
    """
    # Not default_rng: numpy freezes RandomState's stream, and splits should outlive its versions.
    random = np.random.RandomState(seed)
    first, second = [], []
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        count = 0
        if len(members) > 1:
            count = min(max(round(fraction * len(members)), 1), len(members) - 1)
        second.append(members[:count])
        first.append(members[count:])
    return random.permutation(np.concatenate(first)), np.sort(np.concatenate(second))


def check_fraction(name: str, value: float) -> None:
    """Raises a `ValueError` unless `value` is a number above 0 and below 1."""
    if not isinstance(value, numbers.Real) or not 0 < value < 1:
        raise ValueError(f"`{name}` must be above 0 and below 1. Received: {name}={value!r}")


def check_seed(seed: int) -> None:
    """Raises a `ValueError` unless `seed` is a whole number that numpy takes as one."""
    if not isinstance(seed, numbers.Integral) or not 0 <= seed < 2**32:
        raise ValueError(f"`seed` must be an int from 0 to 2³² - 1. Received: seed={seed!r}")
