"""Keep TensorFlow off the GPUs where it only reads files."""

import contextlib

import tensorflow as tf


def hide_gpus():
    """Keeps TensorFlow, where it only reads files, from taking another backend's GPU memory."""
    # TensorFlow refuses once it is running, and then it has what it wants already.
    with contextlib.suppress(RuntimeError):
        tf.config.set_visible_devices([], "GPU")
