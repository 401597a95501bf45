"""What TensorFlow says of the first GPU."""

import tensorflow as tf


def compute_capability():
    """`(major, minor)` of the first GPU, None of one that is not NVIDIA's."""
    first = tf.config.list_physical_devices("GPU")[0]
    return tf.config.experimental.get_device_details(first).get("compute_capability")
