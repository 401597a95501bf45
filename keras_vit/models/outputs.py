"""What a classifier's outputs are: logits or probabilities."""

import keras
import numpy as np

from keras_vit.backend.keras_private import output_operation

PROBES = 8  # noise images shown to a model that has no graph


def gives_probabilities(model: keras.Model) -> bool:
    """Return whether a classifier gives probabilities instead of logits.

    The graph of a functional model decides, never the values of one answer: logits may happen to
    be positive and to sum to 1. A subclassed model has no graph. It is shown a few images of
    noise: logits do not sum to 1 for every one of them.

    Args:
        model: a built classifier of images `(B, H, W, C)`.
    """
    if getattr(model, "outputs", None):
        return ends_in_softmax(model)
    shape = tuple(size or 32 for size in model.input_shape[1:])
    noise = np.random.default_rng(0).uniform(0, 255, (PROBES, *shape)).astype("float32")
    outputs = np.asarray(model.predict(noise, verbose=0), "float32")
    return bool((outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1, atol=1e-2))


def ends_in_softmax(model: keras.Model) -> bool:
    """Return whether the last layer of a functional model is or has a softmax.

    A model inside a model is looked into. Without a graph the answer is False.
    """
    if not getattr(model, "outputs", None):
        return False
    last = output_operation(model)
    if isinstance(last, keras.Model):
        return ends_in_softmax(last)
    has_softmax = getattr(last, "activation", None) is keras.activations.softmax
    return has_softmax or type(last).__name__ == "Softmax"  # the layer and the operation
