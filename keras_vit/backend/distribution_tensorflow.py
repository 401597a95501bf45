"""TensorFlow's strategy for several devices."""

import tensorflow as tf


def mirrored_strategy() -> tf.distribute.MirroredStrategy:
    """Make TensorFlow's strategy over all GPUs, or over all CPU devices if there is no GPU."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])
