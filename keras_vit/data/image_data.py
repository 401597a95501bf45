"""The arrays that every loader of a data set returns."""

from typing import NamedTuple

import numpy as np


class ImageData(NamedTuple):
    """A labelled image data set with a training part and a test part.

    The images are numpy arrays, or `StreamedImages` if they are read from their files on demand.

    Attributes:
        x_train: uint8 array of shape `(N, H, W, C)`, training images with values 0 to 255.
        y_train: int32 array of shape `(N,)`, labels of the training images, from 0 to
            `num_classes - 1`.
        x_test: uint8 array of shape `(M, H, W, C)`, test images with values 0 to 255.
        y_test: int32 array of shape `(M,)`, labels of the test images.
        class_names: tuple of str, one name for each class, in the order of the labels.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]

    @property
    def train(self) -> tuple[np.ndarray, np.ndarray]:
        """The pair `(x_train, y_train)`, for `model.fit(*data.train)`."""
        return self.x_train, self.y_train

    @property
    def test(self) -> tuple[np.ndarray, np.ndarray]:
        """The pair `(x_test, y_test)`, for `model.evaluate(*data.test)`."""
        return self.x_test, self.y_test

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape `(H, W, C)` of every image."""
        return self.x_train.shape[1:]

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.image_shape))
        names = ", ".join(self.class_names[:3]) + (", ..." if self.num_classes > 3 else "")
        return (
            f"ImageData({len(self.x_train):,} training and {len(self.x_test):,} test images of "
            f"{shape}, {self.num_classes} classes: {names})"
        )
