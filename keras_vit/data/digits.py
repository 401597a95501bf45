"""The scanned digits that come with scikit-learn."""

import numpy as np

from keras_vit.data.image_data import ImageData
from keras_vit.data.splitting import stratified_split
from keras_vit.extras import needed_for


def load_digits(test_fraction: float, seed: int) -> ImageData:
    """Load the 1,797 scanned digits of scikit-learn.

    These are the test part of UCI's "Optical Recognition of Handwritten Digits". The authors of
    that data set reduced the scans to 8×8 counts of ink from 0 to 16; this function scales the
    counts to pixels from 0 to 255.

    Args:
        test_fraction: float in (0, 1), share of each class for the test part.
        seed: int from 0 to 2³² - 1, seed of the split.

    Returns:
        An `ImageData` with images of shape `(8, 8, 1)` in 10 classes.

    Raises:
        ImportError: If scikit-learn is not installed.
    """
    # `import keras_vit` must stay quick, and the import of scikit-learn takes a second.
    with needed_for("The data set 'digits'"):
        from sklearn.datasets import load_digits as load_sklearn_digits

    digits = load_sklearn_digits()
    images = np.rint(digits.images * (255 / 16)).astype("uint8")[..., np.newaxis]
    labels = digits.target.astype("int32")
    train, test = stratified_split(labels, test_fraction, seed)
    names = tuple(str(name) for name in digits.target_names)
    return ImageData(images[train], labels[train], images[test], labels[test], names)
