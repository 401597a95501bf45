"""Max-pooling by windows that overlap, quickly."""

import keras
from keras import ops


def max_pool(x):
    """The maxima of windows of 3x3 pixels at every second pixel, padded as by `padding="same"`.

    XLA goes back through a pooling on a CPU window by window: several times slower than through the
    maxima of shifted images, first of rows, then of columns. PyTorch has a good kernel.
    Where several pixels are the largest, the gradient may be one's or divided among them.

    Args:
        x: `(B, H, W, C)`, floating, H and W known.

    Returns:
        `(B, ⌈H / 2⌉, ⌈W / 2⌉, C)`.
    """
    if keras.backend.backend() == "torch":
        from keras_vit.backend import max_pool_torch

        return max_pool_torch.max_pool(x)
    return _along(_along(x, 1), 2)


def _along(x, axis):
    """The maxima of three neighbours on one axis, at every second place."""
    size = x.shape[axis]
    padding = [(size % 2, 1) if i == axis else (0, 0) for i in range(4)]
    x = ops.pad(x, padding, constant_values=float("-inf"))

    def every_second(start):
        cut = slice(start, start + size, 2)
        return x[tuple(cut if i == axis else slice(None) for i in range(4))]

    return ops.maximum(ops.maximum(every_second(0), every_second(1)), every_second(2))
