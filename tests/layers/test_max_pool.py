import keras
import numpy as np
import pytest
from keras import ops

from keras_vit.layers.max_pool import max_pool

pytestmark = pytest.mark.backends

SHAPES = [(8, 8), (7, 9), (1, 4), (2, 3)]


def keras_own(x):
    return ops.max_pool(x, 3, 2, padding="same", data_format="channels_last")


class Pooled(keras.layers.Layer):
    """Pools weights, so that an optimizer's step tells their gradient."""

    def __init__(self, pool, images):
        super().__init__()
        self.pool = pool
        self.images = self.add_weight(shape=images.shape)
        self.images.assign(images)

    def call(self, x):
        return self.pool(self.images + x)


@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_gradients_are_those_of_kerass_own(shape):
    images = np.random.default_rng(0).normal(size=(2, *shape, 3)).astype("float32") - 2
    values, moved = [], []
    for pool in (max_pool, keras_own):
        layer = Pooled(pool, images)
        model = keras.Sequential([keras.Input(batch_shape=images.shape), layer])
        values.append(model.predict_on_batch(np.zeros_like(images)))
        model.compile(keras.optimizers.SGD(1.0), "mean_squared_error")
        model.train_on_batch(np.zeros_like(images), np.zeros_like(values[-1]))
        moved.append(ops.convert_to_numpy(layer.images))
    np.testing.assert_array_equal(*values)
    np.testing.assert_allclose(*moved, rtol=1e-5, atol=1e-7)
    assert np.abs(moved[0] - images).max() > 1e-3


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_keeps_a_low_precision(dtype):
    y = max_pool(ops.cast(np.full((1, 4, 4, 2), -3.0), dtype))
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    np.testing.assert_array_equal(ops.convert_to_numpy(ops.cast(y, "float32")), -3.0)
