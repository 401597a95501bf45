"""The hardware that TensorFlow reports."""

import tensorflow as tf


def compute_capability() -> tuple[int, int] | None:
    """Return `(major, minor)` of the first GPU, or None for a GPU that is not NVIDIA's."""
    first = tf.config.list_physical_devices("GPU")[0]
    return tf.config.experimental.get_device_details(first).get("compute_capability")
