"""What the first layer looks for in the pixels."""

import keras
import numpy as np
from keras import ops

from keras_vit.backend.keras_private import flatten_layers
from keras_vit.layers import PatchEncoder, Patches
from keras_vit.models.intermediates import plain_model


def filter_components(model: keras.Model, count: int = 28) -> np.ndarray:
    """Principal components of the filters that turn pixels into features.

    The filters are those of the patch projection, linear or by convolution, and for a model
    that starts with a convolutional network those of its first convolution. Figure 7 (left) of
    the ViT paper (arXiv 2010.11929).

    Args:
        model: a model of images, or an `AugmentedModel` around one.
        count: how many components, those of the most variance first.

    Returns:
        float32 `(n, ph, pw, C)`, n the smallest of `count`, ph * pw * C and the number of
        filters; each scaled for show to 0-1, with 0.5 for a weight of 0.

    Raises:
        ValueError: for a model without such filters, or a count below 1.
    """
    if count < 1:
        raise ValueError(f"`count` must be 1 or more. Received: {count}")
    kernel = first_filters(model)
    filters = kernel.reshape(-1, kernel.shape[-1]).T
    _, _, components = np.linalg.svd(filters - filters.mean(axis=0), full_matrices=False)
    components = components[:count].reshape(-1, *kernel.shape[:-1])
    # An SVD leaves each component's sign open: the largest weight is positive here.
    axes = (1, 2, 3)
    high, low = components.max(axis=axes, keepdims=True), components.min(axis=axes, keepdims=True)
    sign = np.where(high >= -low, 1, -1)
    return (0.5 + 0.5 * sign * components / np.maximum(high, -low)).astype("float32")


def first_filters(model):
    """The kernel on the pixels, `(ph, pw, C, filters)`."""
    model = plain_model(model)
    layers = list(getattr(model, "layers", []))
    for layer in layers:
        if isinstance(layer, Patches):
            encoder = next(x for x in layers if isinstance(x, PatchEncoder))
            kernel = dense_kernel(encoder.projection)
            return kernel.reshape(*layer.patch_size, -1, kernel.shape[-1])
        for part in flatten_layers(layer):
            is_convolution = isinstance(part, keras.layers.Conv2D)
            if is_convolution and part.kernel.shape[2] == model.input_shape[-1]:
                return ops.convert_to_numpy(part.kernel)
    raise ValueError(f"The model has no patch projection and no convolution: {model!r}")


def dense_kernel(layer):
    kernel = ops.convert_to_numpy(layer.kernel)
    if layer.quantization_mode == "int8":
        return kernel / ops.convert_to_numpy(layer.kernel_scale)
    return kernel
