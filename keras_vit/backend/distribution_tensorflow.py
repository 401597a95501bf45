"""TensorFlow's strategy for several devices."""

import tensorflow as tf


def mirrored_strategy():
    """TensorFlow's strategy over all GPUs, or all CPU devices where there is none."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])
