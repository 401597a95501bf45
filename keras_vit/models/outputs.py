"""The test whether a classifier returns logits or probabilities."""

import keras
import numpy as np

from keras_vit.backend.keras_private import output_operation

PROBES = 8  # number of noise images for a model that has no graph


def gives_probabilities(model: keras.Model) -> bool:
    """Return whether a classifier returns probabilities instead of logits.

    The graph of a functional model decides, never the values of one output: logits may happen to
    be positive and to sum to 1. A subclassed model has no graph. This function runs such a model on
    a few images of noise, because logits do not sum to 1 for every one of them.

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
    """Return whether the last layer of a functional model is a softmax or has one.

    If the last layer is a model, the last layer of that model decides. For a model without a graph
    the result is False.

    Args:
        model: any Keras model.
    """
    if not getattr(model, "outputs", None):
        return False
    last = output_operation(model)
    if isinstance(last, keras.Model):
        return ends_in_softmax(last)
    has_softmax = getattr(last, "activation", None) is keras.activations.softmax
    return (
        has_softmax or type(last).__name__ == "Softmax"
    )  # the name of a layer and of an operation
