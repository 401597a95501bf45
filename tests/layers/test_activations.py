"""GELU against its closed form."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import ndtr

from keras_vit.backend.gradients import gradients
from keras_vit.layers.activations import with_lean_gradient

X = np.linspace(-8, 8, 2001)
# The errors of a few roundings. The error of float64 is large, because TensorFlow's own GELU has a
# root of two in single precision.
ERRORS = {"float64": 1e-6, "float32": 1e-6, "bfloat16": 2**-6, "float16": 2**-9}


@pytest.mark.backends
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype float64")
@pytest.mark.parametrize("dtype", ERRORS)
def test_values_and_gradients_are_the_closed_form(dtype):
    x = ops.convert_to_tensor(X, dtype)
    wide = ops.convert_to_numpy(ops.cast(x, "float64")).astype("float64")
    density = np.exp(-(wide**2) / 2) / np.sqrt(2 * np.pi)
    gelu = with_lean_gradient(keras.activations.gelu)
    (slopes,) = gradients(lambda x: ops.sum(gelu(x)), [x])
    for found, right in (
        (gelu(x), wide * ndtr(wide)),
        (slopes, ndtr(wide) + wide * density),
    ):
        kind = keras.backend.standardize_dtype(found.dtype)
        assert kind == keras.backend.standardize_dtype(x.dtype)
        found = ops.convert_to_numpy(ops.cast(found, "float64"))
        np.testing.assert_allclose(found, right, rtol=ERRORS[kind], atol=ERRORS[kind])


@pytest.mark.backends
def test_no_other_activation_is_touched():
    for name in ("relu", "silu"):
        assert with_lean_gradient(keras.activations.get(name)) is keras.activations.get(name)


@pytest.mark.backends
@pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="only JAX reports the memory that a program needs"
)
def test_less_is_kept_for_the_backward_pass():
    import jax

    def temporaries(activation):
        def through(x, kernel):
            for _ in range(8):
                x = activation(x @ kernel)
            return x.sum()

        arrays = np.ones((512, 64), "float32"), np.ones((64, 64), "float32")
        compiled = jax.jit(jax.grad(through, argnums=1)).lower(*arrays).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    plain = keras.activations.gelu
    assert temporaries(with_lean_gradient(plain)) < 0.75 * temporaries(plain)
