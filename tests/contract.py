"""The contract that every layer and every model keeps, on every backend."""

import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import ops

from tests.few_steps import JIT_COMPILE
from tests.helpers import every_weight_learns, numpy_of, outputs_of


def keeps_contract(layer, x, learns=True):
    """Runs one built-by-call layer through the whole contract.

    Args:
        layer: a fresh layer, whose output for `x` is deterministic outside training.
        x: float32 input batch.
        learns: whether it has weights that gradients should reach.
    """
    model = wrap(layer, x)
    fill_zeros(model)
    expected = predict(model, x)

    round_trips_through_config(layer)
    for other in (saved_and_loaded(model), cloned(model)):
        np.testing.assert_allclose(predict(other, x), expected, rtol=0, atol=1e-6)
    agrees_eagerly(model, x, expected)
    runs_in_bfloat16(layer, model, x, expected)
    if learns:
        y = np.random.default_rng(1).normal(size=(len(x), *model.output_shape[1:]))
        y = ops.convert_to_tensor(y, "float32")
        every_weight_learns(model, x, lambda outputs: ops.mean(ops.square(outputs - y)))


def wrap(layer, x):
    """A functional model around one layer, whose first output it gives."""
    inputs = keras.Input(x.shape[1:])
    output = layer(inputs)
    return keras.Model(inputs, output[0] if isinstance(output, tuple) else output)


def fill_zeros(model):
    """Random values for weights that start at zero, so that everything matters."""
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        if not np.any(ops.convert_to_numpy(variable)):
            variable.assign(rng.normal(0, 0.1, variable.shape))


def predict(model, x):
    """The values of one batch, operation by operation."""
    return numpy_of(model(x, training=False))


def round_trips_through_config(layer):
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    through_json = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert through_json.get_config() == config


def saved_and_loaded(model):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        return keras.saving.load_model(path)


def cloned(model):
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    return clone


def agrees_eagerly(model, x, expected):
    """The compiled prediction is the eager one, and has the symbolic shape."""
    model.compile(jit_compile=keras.backend.backend() != "torch")
    compiled = model.predict(x, verbose=0)
    np.testing.assert_allclose(compiled, expected, rtol=0, atol=1e-5)
    assert model.output_shape[1:] == expected.shape[1:]


def runs_in_bfloat16(layer, model, x, expected):
    """Weights stay float32, and the values stay near those of float32."""
    low = wrap(type(layer).from_config({**layer.get_config(), "dtype": "mixed_bfloat16"}), x)
    low.set_weights(model.get_weights())
    assert all(v.dtype == "float32" for v in low.trainable_variables)
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(outputs_of(low, x) / scale, expected / scale, rtol=0, atol=0.03)


def learns_in_fit(model, x):
    """The loss falls, and no weight stays where it was: Adam moves all that have a gradient."""
    fill_zeros(model)
    before = [np.array(ops.convert_to_numpy(v)) for v in model.trainable_variables]
    y = np.random.default_rng(1).normal(size=(len(x), *model.output_shape[1:]))
    model.compile(keras.optimizers.Adam(3e-3), "mse", jit_compile=JIT_COMPILE)
    history = model.fit(x, y.astype("float32"), epochs=12, batch_size=len(x), verbose=0)
    losses = history.history["loss"]
    assert losses[-1] < losses[0], losses
    for variable, old in zip(model.trainable_variables, before, strict=True):
        moved = ops.convert_to_numpy(variable) != old
        assert moved.mean() > 0.5, f"no gradient reached {variable.path}"
