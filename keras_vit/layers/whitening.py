"""A convolution with fixed filters that whiten small patches of the images."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class WhiteningConv2D(keras.layers.Layer):
    """A convolution whose filters are computed from training images and do not train.

    The filters are the eigenvectors of the covariance of small patches, each divided by the square
    root of its eigenvalue, and the same filters with the opposite sign. What the first half of the
    channels gives is uncorrelated and has the variance 1, but for `epsilon`. Source: David Page,
    "How to Train Your ResNet 8: Bag of Tricks" (2019), in the form of Keller Jordan, "94% on
    CIFAR-10 in 3.29 Seconds on a Single GPU" (arXiv 2404.00498, section 3.2).

    `adapt` computes the filters and the first value of the bias. Until then each filter gives one
    value of the patch, or its negative.

    Args:
        kernel_size: int, side of the patches in pixels. Default: 2.
        epsilon: float, added to the eigenvalues, as a share of their mean, so that directions in
            which patches hardly differ are not blown up. Default: 5e-4.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        x: float tensor `(B, H, W, C)`.

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, H - k + 1, W - k + 1, 2·k·k·C)` with k = `kernel_size`.

    Raises:
        ValueError: if `kernel_size` is less than 1, if `epsilon` is not above 0, or if images for
            `adapt` have another number of channels or are smaller than a patch.
    """

    def __init__(self, kernel_size: int = 2, epsilon: float = 5e-4, **kwargs) -> None:
        super().__init__(**kwargs)
        if kernel_size < 1 or not epsilon > 0:
            raise ValueError(
                "`kernel_size` must be at least 1 and `epsilon` must be above 0. "
                f"Received: kernel_size={kernel_size}, epsilon={epsilon}"
            )
        self.kernel_size = kernel_size
        self.epsilon = epsilon

    def build(self, input_shape: tuple) -> None:
        side, channels = self.kernel_size, input_shape[-1]
        count = side * side * channels
        self.kernel = self.add_weight(
            shape=(side, side, channels, 2 * count),
            initializer=lambda shape, dtype=None: ops.cast(signed(np.eye(count), shape), dtype),
            trainable=False,
            name="kernel",
        )
        self.bias = self.add_weight(shape=(2 * count,), initializer="zeros", name="bias")

    def adapt(self, images) -> None:
        """Compute the filters that whiten the patches of some images, and the bias that centres.

        Args:
            images: float array `(N, H, W, C)`, as the layer receives them. A few thousand images
                are enough.
        """
        images = np.asarray(images, "float32")
        side, channels = self.kernel_size, self.kernel.shape[2]
        if images.ndim != 4 or images.shape[3] != channels or min(images.shape[1:3]) < side:
            raise ValueError(
                f"`images` must have the shape (N, H, W, {channels}), with sides of {side} pixels "
                f"or more. Received: images of shape {images.shape}"
            )
        patches = np.lib.stride_tricks.sliding_window_view(images, (side, side), axis=(1, 2))
        patches = patches.transpose(0, 1, 2, 4, 5, 3).reshape(-1, side * side * channels)
        mean = patches.mean(axis=0, dtype="float64")
        covariance = np.cov(patches, rowvar=False).reshape(len(mean), -1)
        eigenvalues, eigenvectors = np.linalg.eigh(covariance)
        # Images of one colour alone have no variance at all.
        floor = self.epsilon * max(eigenvalues.mean(), np.finfo("float32").eps)
        filters = eigenvectors / np.sqrt(np.maximum(eigenvalues, 0) + floor)
        filters = filters[:, ::-1]  # the direction of the largest variance first
        self.kernel.assign(signed(filters, self.kernel.shape))
        offsets = -mean @ filters
        self.bias.assign(np.concatenate([offsets, -offsets]))

    def call(self, x):
        y = ops.conv(x, ops.cast(self.kernel, x.dtype), strides=1, padding="valid")
        return ops.add(y, ops.cast(self.bias, x.dtype))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, height, width, channels = input_shape
        side = self.kernel_size
        return (batch, height - side + 1, width - side + 1, 2 * side * side * channels)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "epsilon": self.epsilon,
        }


def signed(filters: np.ndarray, shape: tuple) -> np.ndarray:
    """Return filters `(patch, n)` and their negatives as a kernel `(k, k, C, 2·n)`."""
    return np.concatenate([filters, -filters], axis=1).reshape(shape).astype("float32")
