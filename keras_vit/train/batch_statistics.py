"""The moving statistics of batch normalisation, computed anew for weights that were averaged."""

from collections.abc import Iterable

import keras

from keras_vit.backend.keras_private import flatten_layers


def renew_batch_statistics(model: keras.Model, batches: Iterable) -> bool:
    """Compute the moving means and variances of a model from some batches of images.

    The moving statistics belong to the weights that trained. Where the weights are replaced by
    their average over the steps, the statistics have to be those of the average ("Averaging Weights
    Leads to Wider Optima and Better Generalization", arXiv 1803.05407, section 3.1).

    Args:
        model: any model. Its weights do not change but for these statistics.
        batches: iterable of images as the model takes them; each counts the same.

    Returns:
        Whether the model has batch normalisation, and so whether anything was computed.
    """
    norms = [
        layer
        for layer in flatten_layers(model)
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]
    if not norms:
        return False
    momenta = [layer.momentum for layer in norms]
    try:
        for i, images in enumerate(batches):
            for layer in norms:
                layer.momentum = i / (i + 1)  # the mean of all batches so far
            model(images, training=True)
    finally:
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum
    return True
