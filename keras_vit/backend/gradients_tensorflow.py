"""Gradients by TensorFlow."""

from collections.abc import Callable

import tensorflow as tf


def gradients(function: Callable, tensors: list) -> list:
    """Compute `gradients.gradients` on TensorFlow."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensors)
        value = function(*tensors)
    return tape.gradient(value, tensors)
