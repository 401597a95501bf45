"""What tests of several folders share: arrays, random weights, and gradients of every weight."""

import warnings

import keras
import numpy as np
from keras import ops


def numpy_of(x):
    """A tensor of any backend as a float32 array; numpy itself has no bfloat16."""
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def outputs_of(model, x):
    """What a model gives for one batch, as float32 arrays, in the way that is there soonest.

    JAX would compile each operation of an eager call by itself, so there the whole call is compiled
    at once; TensorFlow and PyTorch have eager operations ready.
    """
    if keras.backend.backend() == "jax":
        return keras.tree.map_structure(lambda y: y.astype("float32"), model.predict_on_batch(x))
    return keras.tree.map_structure(numpy_of, model(x, training=False))


def disturbed(model, deviation=0.1, seed=0):
    """Adds noise to every weight, so that none is left at 0 or 1, and returns the model."""
    rng = np.random.default_rng(seed)
    model.set_weights([w + rng.normal(0, deviation, w.shape) for w in model.get_weights()])
    return model


def quantized(model):
    """Brings a model to int8 and returns it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras names each kind of layer that has no int8 form.
        model.quantize("int8")
    return model


def loss_and_gradients_of(model, x, loss, training=True):
    """Prepares one call with gradients, as a step of `fit` makes it, without an optimizer.

    On TensorFlow the call is a graph, on JAX XLA compiles it, on PyTorch it runs as it is.

    Args:
        model: a built model.
        x: array, its input.
        loss: takes the model's outputs and gives a scalar tensor.
        training: whether dropout and the like are on.

    Returns:
        A function that takes a value for each of `model.trainable_variables` and gives the loss, a
        float, and a list with the gradient of each, as arrays. Each call draws the same dropout.
    """
    others = [v.value for v in model.non_trainable_variables]
    x = ops.convert_to_tensor(x)

    def value(values):
        outputs, _ = model.stateless_call(list(values), others, x, training=training)
        return loss(outputs)

    with_gradients = _WITH_GRADIENTS[keras.backend.backend()](value)

    def call(values):
        keras.utils.set_random_seed(0)  # PyTorch draws dropout from its own generator.
        result, slopes = with_gradients([ops.convert_to_tensor(v) for v in values])
        arrays = [
            np.zeros(tuple(v.shape)) if slope is None else ops.convert_to_numpy(slope)
            for v, slope in zip(values, slopes, strict=True)
        ]
        return float(ops.convert_to_numpy(result)), arrays

    return call


def _by_tensorflow(value):
    import tensorflow as tf

    @tf.function(autograph=False)
    def with_gradients(values):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            result = value(values)
        slopes = tape.gradient(result, values)
        # A lookup's gradient is a list of rows with their places.
        return result, [s if s is None else tf.convert_to_tensor(s) for s in slopes]

    return with_gradients


def _by_jax(value):
    import jax

    return jax.jit(jax.value_and_grad(value))


def _by_torch(value):
    import torch

    def with_gradients(values):
        values = [v.detach().requires_grad_() for v in values]
        with torch.enable_grad():
            result = value(values)
            return result.detach(), torch.autograd.grad(result, values, allow_unused=True)

    return with_gradients


_WITH_GRADIENTS = {"tensorflow": _by_tensorflow, "jax": _by_jax, "torch": _by_torch}


def every_weight_learns(model, x, loss):
    """Asserts that a small step against the gradient lowers the loss by what the gradient says.

    And that the gradient reaches more than half of the entries of every trainable weight.
    """
    call = loss_and_gradients_of(model, x, loss)
    values = [np.array(ops.convert_to_numpy(v)) for v in model.trainable_variables]
    before, slopes = call(values)
    for variable, slope in zip(model.trainable_variables, slopes, strict=True):
        assert np.isfinite(slope).all(), f"no finite gradient of {variable.path}"
        assert np.mean(slope != 0) > 0.5, f"no gradient reached {variable.path}"
    due = STEP * before
    # A float of Python, which leaves the arrays in float32: others would be compiled for anew.
    rate = due / float(sum(np.sum(np.square(slope, dtype="float64")) for slope in slopes))
    after, _ = call([v - rate * slope for v, slope in zip(values, slopes, strict=True)])
    assert 0.5 * due < before - after < 1.5 * due, (before, after, due)


# The share of the loss that a step is to take away: enough for float32 to tell, and little enough
# for the loss to be nearly straight.
STEP = 1e-3
