"""The filters of the first layer, as principal components."""

import keras
import numpy as np
from keras import ops

from keras_vit.backend.keras_private import flatten_layers
from keras_vit.layers import PatchEncoder, Patches, WhiteningConv2D
from keras_vit.models.intermediates import plain_model


def filter_components(model: keras.Model, count: int = 28) -> np.ndarray:
    """Compute the principal components of the filters on the pixels.

    Source: figure 7 (left) of the ViT paper (arXiv 2010.11929). The filters are those of the patch
    projection, which is a Dense layer or a convolution. For a model that starts with a
    convolutional network they are those of its first convolution.

    Args:
        model: a model of images, or an `AugmentedModel` around such a model.
        count: int, 1 or more, largest number of components. Default: 28.

    Returns:
        Float32 `(n, ph, pw, C)`, the component with the most variance first. n is the smallest of
        `count`, ph * pw * C and the number of filters. Each component is scaled to values from 0 to
        1 to be shown as an image, and a weight of 0 becomes 0.5.

    Raises:
        ValueError: if the model has no such filters or `count` is below 1.
    """
    if count < 1:
        raise ValueError(f"`count` must be 1 or more. Received: count={count}")
    kernel = first_filters(model)
    filters = kernel.reshape(-1, kernel.shape[-1]).T
    _, _, components = np.linalg.svd(filters - filters.mean(axis=0), full_matrices=False)
    components = components[:count].reshape(-1, *kernel.shape[:-1])
    # The SVD does not determine the sign of a component. Here the sign is the one for which the
    # largest weight is positive.
    axes = (1, 2, 3)
    high, low = components.max(axis=axes, keepdims=True), components.min(axis=axes, keepdims=True)
    sign = np.where(high >= -low, 1, -1)
    return (0.5 + 0.5 * sign * components / np.maximum(high, -low)).astype("float32")


def first_filters(model: keras.Model) -> np.ndarray:
    """Return the kernel that the model applies to the pixels, `(ph, pw, C, filters)`."""
    model = plain_model(model)
    layers = list(getattr(model, "layers", []))
    for layer in layers:
        if isinstance(layer, Patches):
            encoder = next(x for x in layers if isinstance(x, PatchEncoder))
            kernel = dense_kernel(encoder.projection)
            return kernel.reshape(*layer.patch_size, -1, kernel.shape[-1])
        for part in flatten_layers(layer):
            is_convolution = isinstance(part, (keras.layers.Conv2D, WhiteningConv2D))
            if is_convolution and part.kernel.shape[2] == model.input_shape[-1]:
                return ops.convert_to_numpy(part.kernel)
    raise ValueError(
        f"The model must have a patch projection or a convolution on the pixels. "
        f"Received: {model!r}"
    )


def dense_kernel(layer: keras.layers.Dense) -> np.ndarray:
    """Return the kernel of a Dense layer; an int8 kernel is scaled back to floats."""
    kernel = ops.convert_to_numpy(layer.kernel)
    if layer.quantization_mode == "int8":
        return kernel / ops.convert_to_numpy(layer.kernel_scale)
    return kernel
