"""The scanned digits that come with scikit-learn."""

import numpy as np

from keras_vit.data.image_data import ImageData
from keras_vit.data.splitting import stratified_split


def load_digits(test_fraction: float, seed: int) -> ImageData:
    """Loads the test part of UCI's "Optical Recognition of Handwritten Digits".

    They are 1,797 real digits, scanned and counted down to 8×8 pixels of 0–16, which become
    0–255 here.

    Args:
        test_fraction: Share of each class for testing, above 0 and below 1.
        seed: Of the split.

    Returns:
        An `ImageData` of `(8, 8, 1)` images in 10 classes.
    """
    # scikit-learn takes a second to import, which `import keras_vit` should not.
    from sklearn.datasets import load_digits as load_sklearn_digits

    digits = load_sklearn_digits()
    images = np.rint(digits.images * (255 / 16)).astype("uint8")[..., np.newaxis]
    labels = digits.target.astype("int32")
    train, test = stratified_split(labels, test_fraction, seed)
    names = tuple(str(name) for name in digits.target_names)
    return ImageData(images[train], labels[train], images[test], labels[test], names)
