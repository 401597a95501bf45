"""Max-pooling against a pooling window by window."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vit.layers.max_pool import max_pool

pytestmark = pytest.mark.backends

SHAPES = [(8, 8), (7, 9), (1, 4), (2, 3)]


def by_windows(images):
    """Compute the maxima and the gradient of their mean square, window by window in NumPy."""
    _, height, width, _ = images.shape
    # Because of the padding "same", the first window begins at -1 where the side is odd, else at 0.
    rows, columns = (range(-(size % 2), size - 1 + size % 2, 2) for size in (height, width))
    values = np.empty((len(images), len(rows), len(columns), images.shape[3]), "float32")
    gradient = np.zeros_like(images)
    for place in np.ndindex(values.shape):
        n, i, j, channel = place
        cut = (n, *(slice(max(0, k[x]), k[x] + 3) for k, x in ((rows, i), (columns, j))), channel)
        window = images[cut]
        values[place] = window.max()
        gradient[cut] += (window == window.max()) * 2 * window.max() / values.size
    return values, gradient


class Pooled(keras.layers.Layer):
    """A layer that pools its weights, so that a step of the optimizer shows their gradient."""

    def __init__(self, images):
        super().__init__()
        self.images = self.add_weight(shape=images.shape)
        self.images.assign(images)

    def call(self, x):
        return max_pool(self.images + x)


@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_gradients_are_those_of_the_windows(shape):
    images = np.random.default_rng(0).normal(size=(2, *shape, 3)).astype("float32") - 2
    values, gradient = by_windows(images)
    layer = Pooled(images)
    model = keras.Sequential([keras.Input(batch_shape=images.shape), layer])
    np.testing.assert_array_equal(model.predict_on_batch(np.zeros_like(images)), values)
    model.compile(keras.optimizers.SGD(1.0), "mean_squared_error")
    model.train_on_batch(np.zeros_like(images), np.zeros_like(values))
    moved = images - ops.convert_to_numpy(layer.images)
    np.testing.assert_allclose(moved, gradient, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_keeps_a_low_precision(dtype):
    y = max_pool(ops.cast(np.full((1, 4, 4, 2), -3.0), dtype))
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    np.testing.assert_array_equal(ops.convert_to_numpy(ops.cast(y, "float32")), -3.0)
