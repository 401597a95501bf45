import keras
import numpy as np
import pytest

from keras_vit.inspection.gradients import gradients
from keras_vit.layers import LayerNormalization

pytestmark = pytest.mark.backends

RNG = np.random.default_rng(0)
X = RNG.normal(2, 3, (4, 5, 12)).astype("float32")
GAMMA, BETA = RNG.normal(1, 0.5, (2, 12)).astype("float32")
WEIGHTS = RNG.normal(size=X.shape).astype("float32")


def numpy_of(x):
    return keras.ops.convert_to_numpy(keras.ops.cast(x, "float32"))


def built(layer_class, **arguments):
    layer = layer_class(epsilon=1e-6, **arguments)
    layer.build(X.shape)
    layer.set_weights([GAMMA, BETA])
    return layer


def closed_form():
    """Values and gradients of the sum over WEIGHTS * y, in float64."""
    x, gamma, weights = X.astype("float64"), GAMMA.astype("float64"), WEIGHTS.astype("float64")
    deviation = np.sqrt(x.var(-1, keepdims=True) + 1e-6)
    unit = (x - x.mean(-1, keepdims=True)) / deviation
    inner = weights * gamma
    # The Jacobian of each row, written out.
    size = x.shape[-1]
    jacobian = np.eye(size) - 1 / size - unit[..., :, None] * unit[..., None, :] / size
    by_x = (jacobian @ inner[..., None])[..., 0] / deviation
    return unit * gamma + BETA, by_x, (weights * unit).sum((0, 1)), weights.sum((0, 1))


def test_values_and_gradients_are_the_closed_form():
    layer = built(LayerNormalization)
    y, by_x, by_gamma, by_beta = closed_form()
    np.testing.assert_allclose(numpy_of(layer(X)), y, atol=2e-5)

    def weighted(x, gamma, beta):
        out, _ = layer.stateless_call([gamma, beta], [], x)
        return keras.ops.sum(keras.ops.multiply(out, WEIGHTS))

    found = gradients(weighted, [keras.ops.convert_to_tensor(v) for v in (X, GAMMA, BETA)])
    for gradient, expected in zip(found, (by_x, by_gamma, by_beta), strict=True):
        np.testing.assert_allclose(numpy_of(gradient), expected, atol=2e-5)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "float16"])
def test_half_precision_is_computed_as_in_keras(dtype):
    ours, keras_own = (
        built(kind, dtype=dtype) for kind in (LayerNormalization, keras.layers.LayerNormalization)
    )
    y, expected = ours(X), keras_own(X)
    assert y.dtype == expected.dtype
    np.testing.assert_allclose(numpy_of(y), numpy_of(expected), atol=0.02)


def test_other_axes_are_refused():
    with pytest.raises(ValueError, match=r"last axis.*axis=1"):
        LayerNormalization(axis=1)(X)
