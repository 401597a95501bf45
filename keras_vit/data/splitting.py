"""Stratified splits that also work for classes with very few images."""

import numbers

import numpy as np


def train_validation_split(
    x: np.ndarray, y: np.ndarray, fraction: float = 0.1, seed: int = 0
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Split training data into a training part and a validation part.

    Both parts have the same share of every class. The same labels, fraction and seed give the
    same split on every machine.

    Args:
        x: array of shape `(N, ...)`, images or other entries.
        y: integer array of shape `(N,)`, labels.
        fraction: float in (0, 1), share of each class for the validation part. It gets at least
            one entry of each class with two or more entries, and no entry of a class with one.
            Default: 0.1.
        seed: int from 0 to 2³² - 1, seed of the split. Default: 0.

    Returns:
        `(x_train, y_train), (x_validation, y_validation)`, copies of the entries. The training
        part is in random order, the validation part in the order of `x`.

    Raises:
        ValueError: If `x` and `y` differ in length, `y` is not of shape `(N,)`, `fraction` or
            `seed` is out of range, or no class has two entries.
    """
    check_fraction("fraction", fraction)
    check_seed(seed)
    x, y = np.asarray(x), np.asarray(y)
    if y.ndim != 1 or x.ndim == 0 or len(x) != len(y):
        raise ValueError(
            f"`y` must have shape (N,), one label for each entry of `x`. "
            f"Received: x.shape={x.shape}, y.shape={y.shape}"
        )
    train, validation = stratified_split(y, fraction, seed)
    if not len(validation):
        raise ValueError(
            f"At least one class must have two entries, one for training and one for validation. "
            f"Received: {len(y)} labels of {len(np.unique(y))} classes"
        )
    return (x[train], y[train]), (x[validation], y[validation])


def stratified_split(
    labels: np.ndarray, fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of a stratified split.

    scikit-learn's `train_test_split(stratify=...)` raises for a class with one member and for a
    part with fewer members than classes. Small folders of images have both, so this function
    accepts them.

    Args:
        labels: integer array of shape `(N,)`.
        fraction: float in (0, 1), share of each class for the second part. It gets at least one
            member of each class with two or more members, and no member of a class with one.
        seed: int from 0 to 2³² - 1, seed of the split.

    Returns:
        A pair of integer arrays, the indices of the two parts. The first part is in random order,
        so that its first entries are a sample of all classes; the second part is in rising order.
    """
    # numpy guarantees that RandomState never changes its numbers, and does not guarantee it for
    # default_rng. A split must stay the same in later versions of numpy.
    generator = np.random.RandomState(seed)
    first, second = [], []
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        count = 0
        if len(members) > 1:
            count = min(max(round(fraction * len(members)), 1), len(members) - 1)
        second.append(members[:count])
        first.append(members[count:])
    return generator.permutation(np.concatenate(first)), np.sort(np.concatenate(second))


def check_fraction(name: str, value: float) -> None:
    """Raise an error unless an argument is a number between 0 and 1.

    Args:
        name: str, name of the argument, for the message.
        value: float in (0, 1), value of the argument.

    Raises:
        ValueError: If `value` is not a number above 0 and below 1.
    """
    if not isinstance(value, numbers.Real) or not 0 < value < 1:
        raise ValueError(
            f"`{name}` must be a number above 0 and below 1. Received: {name}={value!r}"
        )


def check_seed(seed: int) -> None:
    """Raise an error unless numpy accepts a seed.

    Args:
        seed: int from 0 to 2³² - 1.

    Raises:
        ValueError: If `seed` is not such an int.
    """
    if not isinstance(seed, numbers.Integral) or not 0 <= seed < 2**32:
        raise ValueError(f"`seed` must be an int from 0 to 2³² - 1. Received: seed={seed!r}")
