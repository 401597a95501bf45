"""Values, gradients and statistics are those of Keras's own layer."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vit.layers import BatchNormalization
from tests.helpers import loss_and_gradients_of, numpy_of

pytestmark = pytest.mark.backends

X = np.random.default_rng(0).normal(2, 3, (8, 5, 4, 6)).astype("float32")


def model_of(kind, **arguments):
    inputs = keras.Input(X.shape[1:])
    model = keras.Model(inputs, kind(momentum=0.7, epsilon=1e-4, **arguments)(inputs))
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.5, 2, w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("arguments", [{}, {"scale": False}, {"center": False}])
def test_values_and_moving_statistics(arguments):
    ours, theirs = (
        model_of(kind, **arguments)
        for kind in (BatchNormalization, keras.layers.BatchNormalization)
    )
    for training in (True, False, True):
        a, b = (numpy_of(model(X, training=training)) for model in (ours, theirs))
        np.testing.assert_allclose(a, b, atol=1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_gradients():
    weight = ops.convert_to_tensor(np.random.default_rng(2).normal(size=X.shape), "float32")
    slopes = []
    for kind in (BatchNormalization, keras.layers.BatchNormalization):
        model = model_of(kind)
        loss = loss_and_gradients_of(model, X, lambda y: ops.sum(ops.multiply(y, weight)))
        slopes.append(loss([v.value for v in model.trainable_variables])[1])
    for a, b in zip(*slopes, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_frozen_it_uses_and_keeps_its_statistics():
    model = model_of(BatchNormalization)
    model.layers[1].trainable = False
    before = model.get_weights()
    np.testing.assert_array_equal(numpy_of(model(X, training=True)), numpy_of(model(X)))
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_in_half_precision_the_statistics_stay_in_float32():
    model = model_of(BatchNormalization, dtype="mixed_bfloat16")
    wide = model_of(BatchNormalization)
    np.testing.assert_allclose(
        numpy_of(model(X, training=True)), numpy_of(wide(X, training=True)), atol=0.1
    )
    for a, b in zip(model.weights, wide.weights, strict=True):
        assert a.dtype == "float32"
        np.testing.assert_allclose(numpy_of(a), numpy_of(b), rtol=1e-2)
