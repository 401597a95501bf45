"""Max-pooling by windows that overlap, quickly."""

import keras
from keras import ops

WINDOW, STRIDE = 3, 2


def max_pool(x):
    """The maxima of windows of 3x3 pixels at every second pixel, padded as by `padding="same"`.

    XLA goes back through a pooling on a CPU window by window: several times slower than through the
    maxima of shifted images, first of rows, then of columns. On PyTorch that is the slower one.

    Args:
        x: `(B, H, W, C)`.

    Returns:
        `(B, ⌈H / 2⌉, ⌈W / 2⌉, C)`.
    """
    if keras.backend.backend() == "torch":
        return ops.max_pool(x, WINDOW, STRIDE, padding="same", data_format="channels_last")
    return _along(_along(x, 1), 2)


def _along(x, axis):
    size = x.shape[axis]
    span = STRIDE * -(-size // STRIDE) - 1
    padding = [(size % STRIDE, 1) if i == axis else (0, 0) for i in range(4)]
    x = ops.pad(x, padding, constant_values=float("-inf"))

    def shifted(start):
        cut = slice(start, start + span, STRIDE)
        return x[tuple(cut if i == axis else slice(None) for i in range(4))]

    return ops.maximum(ops.maximum(shifted(0), shifted(1)), shifted(2))
