"""The choice of a few images to show, out of many."""

import numpy as np


def examples(labels: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Choose images that are spread over the classes.

    Images in a folder, and so in many test sets, are in the order of their classes: the first few
    are all of one class.

    Args:
        labels: int array `(N,)`, the classes.
        count: int, number of images to choose; there may be fewer.
        seed: int, 0 or more. The same seed and labels give the same images, and a larger `count`
            gives further images beside them. Default: 0.

    Returns:
        Int array of at most `count` different indices, in the order of their classes. No class has
        two images more than another one that has images left.
    """
    labels = np.asarray(labels)
    order = np.random.default_rng(seed).permutation(len(labels))
    by_class = np.argsort(labels[order], kind="stable")
    _, sizes = np.unique(labels, return_counts=True)
    # The place of each image among those of its class, 0 for the first.
    places = np.empty(len(labels), int)
    places[by_class] = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = order[np.argsort(places, kind="stable")[:count]]
    return chosen[np.argsort(labels[chosen], kind="stable")]
