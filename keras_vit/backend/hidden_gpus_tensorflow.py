"""Hiding of the GPUs from TensorFlow where it only reads files."""

import contextlib

import tensorflow as tf


def hide_gpus() -> None:
    """Keep TensorFlow from reserving GPU memory that another backend needs.

    The call has no effect once TensorFlow has started to use its devices in this process.
    """
    # TensorFlow then raises RuntimeError; by that time it has reserved its memory anyway.
    with contextlib.suppress(RuntimeError):
        tf.config.set_visible_devices([], "GPU")
