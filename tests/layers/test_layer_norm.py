"""LayerNormalization against its closed form."""

import keras
import numpy as np
import pytest

from keras_vit.backend.gradients import gradients
from keras_vit.layers import LayerNormalization

pytestmark = pytest.mark.backends

RNG = np.random.default_rng(0)
# The rows are as many as in a batch, which is enough to spoil a sum in half precision.
X = RNG.normal(2, 3, (64, 65, 12))
GAMMA, BETA = RNG.normal(1, 0.5, (2, 12))
WEIGHTS = RNG.normal(size=X.shape)

# The errors of results that are rounded once or twice; statistics and sums are float32 or wider.
ERRORS = {"float64": 1e-14, "float32": 4e-6, "bfloat16": 2**-8, "float16": 2**-10}


def dtype_of(tensor):
    return keras.backend.standardize_dtype(tensor.dtype)


def wide(x):
    """Return `x` as an array of float64, because NumPy has no bfloat16."""
    kind = "float64" if dtype_of(x) == "float64" else "float32"
    return keras.ops.convert_to_numpy(keras.ops.cast(x, kind)).astype("float64")


def closed_form(x, gamma, beta, weights):
    """Compute the values, and the gradients of the sum over weights * y, in float64."""
    deviation = np.sqrt(x.var(-1, keepdims=True) + 1e-6)
    unit = (x - x.mean(-1, keepdims=True)) / deviation
    inner = weights * gamma
    # This is the Jacobian of each row.
    size = x.shape[-1]
    jacobian = np.eye(size) - 1 / size - unit[..., :, None] * unit[..., None, :] / size
    by_x = (jacobian @ inner[..., None])[..., 0] / deviation
    return unit * gamma + beta, by_x, (weights * unit).sum((0, 1)), weights.sum((0, 1))


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype float64")
@pytest.mark.parametrize("policy", ["float32", "float64", "mixed_bfloat16", "float16"])
def test_values_and_gradients_are_the_closed_form(policy):
    layer = LayerNormalization(epsilon=1e-6, dtype=policy)
    layer.build(X.shape)
    layer.set_weights([GAMMA, BETA])
    x, weights = (keras.ops.convert_to_tensor(v, layer.compute_dtype) for v in (X, WEIGHTS))
    gamma, beta = (v.value for v in layer.weights)

    def weighted(x, gamma, beta):
        out, _ = layer.stateless_call([gamma, beta], [], x)
        return keras.ops.sum(keras.ops.multiply(out, weights))

    found = [layer(x), *gradients(weighted, [x, gamma, beta])]
    expected = closed_form(*(wide(v) for v in (x, gamma, beta, weights)))
    for value, right, like in zip(found, expected, (x, x, gamma, beta), strict=True):
        assert dtype_of(value) == dtype_of(like)  # JAX has no float64 unless it is asked for
        error = ERRORS[dtype_of(value)] * max(1, np.abs(right).max())
        np.testing.assert_allclose(wide(value), right, rtol=0, atol=error)


def test_other_axes_are_refused():
    with pytest.raises(ValueError, match=r"last axis.*Received: axis=1"):
        LayerNormalization(axis=1)(X)
