"""What every loader returns."""

from typing import NamedTuple

import numpy as np


class ImageData(NamedTuple):
    """A labelled image data set in memory, in a training and a test part.

    Attributes:
        x_train: Training images, uint8 from 0 to 255, `(N, H, W, C)`.
        y_train: Their labels, int32 from 0 to `num_classes - 1`, `(N,)`.
        x_test: Test images, as `x_train`.
        y_test: Their labels, as `y_train`.
        class_names: Tuple of str, one a class, in the order of the labels.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]

    @property
    def train(self) -> tuple[np.ndarray, np.ndarray]:
        """`(x_train, y_train)`, what `model.fit(*data.train)` takes."""
        return self.x_train, self.y_train

    @property
    def test(self) -> tuple[np.ndarray, np.ndarray]:
        """`(x_test, y_test)`, what `model.evaluate(*data.test)` takes."""
        return self.x_test, self.y_test

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """`(H, W, C)` of every image."""
        return self.x_train.shape[1:]
