"""Dense against its closed form and against Keras's own layer."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vit.backend.gradients import gradients
from keras_vit.layers.dense import Dense, affine
from tests.helpers import numpy_of

pytestmark = pytest.mark.backends

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 8))
KERNEL, BIAS, UPSTREAM = RNG.normal(size=(8, 6)), RNG.normal(size=6), RNG.normal(size=(3, 5, 6))
ERRORS = {"float32": 1e-5, "mixed_bfloat16": 0.1, "mixed_float16": 0.02}


@pytest.mark.parametrize("policy", ERRORS)
@pytest.mark.parametrize("options", [{}, {"activation": "relu"}, {"use_bias": False}])
def test_values_and_gradients_are_the_closed_form(policy, options):
    layer = Dense(6, dtype=policy, **options)
    layer.build(X.shape)
    layer.set_weights([KERNEL, BIAS][: len(layer.weights)])
    x, upstream = (ops.convert_to_tensor(v, layer.compute_dtype) for v in (X, UPSTREAM))

    def weighted(x, *weights):
        y, _ = layer.stateless_call(weights, [], x)
        return ops.sum(ops.cast(ops.multiply(y, upstream), "float32"))

    found = [layer(x), *gradients(weighted, [x, *(v.value for v in layer.weights)])]
    y = X @ KERNEL + (BIAS if layer.use_bias else 0)
    slope = UPSTREAM
    if layer.activation is keras.activations.relu:
        y, slope = np.maximum(y, 0), UPSTREAM * (y > 0)
    rows = X.reshape(-1, 8), slope.reshape(-1, 6)
    expected = [y, slope @ KERNEL.T, rows[0].T @ rows[1], rows[1].sum(0)][: len(found)]
    for value, right in zip(found, expected, strict=True):
        error = ERRORS[policy] * max(1, np.abs(right).max())
        np.testing.assert_allclose(numpy_of(value), right, rtol=0, atol=error)


def test_parts_of_a_kernel_are_taken_as_they_lie():
    x, kernel, bias = (ops.convert_to_tensor(v, "float32") for v in (X, KERNEL, BIAS))
    some = affine(x[:, :2], kernel[:, 1:4], bias[1:4])
    np.testing.assert_allclose(
        numpy_of(some), (X @ KERNEL + BIAS)[:, :2, 1:4], rtol=1e-5, atol=1e-5
    )


def test_it_is_quantised_and_tuned_as_kerass_own():
    plain, ours = (kind(6, name="same") for kind in (keras.layers.Dense, Dense))
    for layer in (plain, ours):
        layer.build(X.shape)
        layer.set_weights([KERNEL, BIAS])
        layer.enable_lora(2)
        layer.lora_kernel_b.assign(np.ones((2, 6)))
        layer.lora_kernel_a.assign(np.ones((8, 2)))
    x = X.astype("float32")
    np.testing.assert_allclose(numpy_of(ours(x)), numpy_of(plain(x)), atol=1e-5)
    for layer in (plain, ours):
        layer.quantize("int8")
    np.testing.assert_allclose(numpy_of(ours(x)), numpy_of(plain(x)), atol=1e-5)


def test_whole_numbers_are_multiplied_as_floats():
    x = RNG.integers(0, 9, (3, 8)).astype("uint8")
    kernel, bias = (ops.convert_to_tensor(v, "float32") for v in (KERNEL, BIAS))
    y = affine(ops.convert_to_tensor(x), kernel, bias)
    np.testing.assert_allclose(numpy_of(y), x @ KERNEL + BIAS, rtol=1e-5, atol=1e-5)
