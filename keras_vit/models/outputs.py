"""The test whether a classifier returns logits or probabilities."""

import keras
import numpy as np

from keras_vit.backend.keras_private import made_by

PROBES = 8  # number of noise images for a model that has no graph
# Layers whose output are probabilities if their input, or each of their inputs, are.
PASSING = (
    keras.layers.Average,
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.Identity,
    keras.layers.Reshape,
)


def gives_probabilities(model: keras.Model) -> bool:
    """Return whether a classifier returns probabilities instead of logits.

    The graph of a functional model decides, never the values of an output: logits may happen to be
    positive and to sum to 1. A subclassed model has no graph. This function runs such a model on a
    few images of noise, because logits do not sum to 1 for every one of them.

    Args:
        model: a built classifier of images `(B, H, W, C)`.

    Returns:
        True if the model returns probabilities.
    """
    if getattr(model, "outputs", None):
        return ends_in_softmax(model)
    shape = tuple(size or 32 for size in model.input_shape[1:])
    noise = np.random.default_rng(0).uniform(0, 255, (PROBES, *shape)).astype("float32")
    outputs = np.asarray(model.predict(noise, verbose=0), "float32")
    return bool((outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1, atol=1e-2))


def ends_in_softmax(model: keras.Model) -> bool:
    """Return whether a functional model ends in a softmax.

    Layers that leave probabilities as they are, such as Reshape and Average, may stand behind the
    softmax, and a model inside the model is looked into. Without a graph the answer is False.

    Args:
        model: any Keras model.
    """
    return bool(getattr(model, "outputs", None)) and is_softmax(model.outputs[0])


def is_softmax(tensor) -> bool:
    """Return whether a tensor of a functional model's graph holds probabilities."""
    operation, inputs = made_by(tensor)
    if isinstance(operation, keras.Model):
        return ends_in_softmax(operation)
    activation = getattr(operation, "activation", None)
    if activation is keras.activations.softmax or type(operation).__name__ == "Softmax":
        return True  # "Softmax" is the name of the layer and of the operation.
    passes = isinstance(operation, PASSING)
    passes |= isinstance(operation, keras.layers.Activation) and (
        activation is keras.activations.linear
    )
    return passes and bool(inputs) and all(is_softmax(x) for x in inputs)
