"""Max-pooling whose gradient XLA and PyTorch compute quickly on a CPU."""

import keras
from keras import ops


def max_pool(x):
    """Take the maxima of windows of 3×3 pixels with stride 2, padded as by `padding="same"`.

    On a CPU, XLA computes the gradient of a pooling window by window. The gradient of a maximum of
    shifted images, first along the rows and then along the columns, is several times faster.
    PyTorch has a good kernel, which this function calls there. Where several pixels of a window are
    the largest, the gradient goes to one of them or is divided among them, as the backend does it.

    Args:
        x: float tensor `(B, H, W, C)`; H and W must be known.

    Returns:
        Tensor `(B, ⌈H / 2⌉, ⌈W / 2⌉, C)`.
    """
    if keras.backend.backend() == "torch":
        from keras_vit.backend import max_pool_torch

        return max_pool_torch.max_pool(x)
    return _max_pool_axis(_max_pool_axis(x, 1), 2)


def _max_pool_axis(x, axis):
    """Take the maxima of three neighbours along one axis, at every second position."""
    size = x.shape[axis]
    padding = [(size % 2, 1) if i == axis else (0, 0) for i in range(4)]
    x = ops.pad(x, padding, constant_values=float("-inf"))

    def every_second(start):
        cut = slice(start, start + size, 2)
        return x[tuple(cut if i == axis else slice(None) for i in range(4))]

    return ops.maximum(ops.maximum(every_second(0), every_second(1)), every_second(2))


def max_pool_pairs(x):
    """Take the maxima of windows of 2×2 pixels; an odd last row or column is left out.

    Args:
        x: float tensor `(B, H, W, C)`; H, W and C must be known.

    Returns:
        Tensor `(B, ⌊H / 2⌋, ⌊W / 2⌋, C)`.
    """
    if keras.backend.backend() == "torch":
        from keras_vit.backend import max_pool_torch

        return max_pool_torch.max_pool_pairs(x)
    _, height, width, channels = x.shape
    rows, columns = height // 2, width // 2
    x = x[:, : 2 * rows, : 2 * columns]
    x = ops.max(ops.reshape(x, (-1, rows, 2, 2 * columns, channels)), axis=2)
    return ops.max(ops.reshape(x, (-1, rows, columns, 2, channels)), axis=3)
