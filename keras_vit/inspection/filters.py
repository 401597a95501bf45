"""What the first layer looks for in the pixels."""

import keras
import numpy as np
from keras import ops

from keras_vit.inspection.figures import new_figure, save_figure, show_image
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
        for part in layer._flatten_layers():
            is_convolution = isinstance(part, keras.layers.Conv2D)
            if is_convolution and part.kernel.shape[2] == model.input_shape[-1]:
                return ops.convert_to_numpy(part.kernel)
    raise ValueError(f"The model has no patch projection and no convolution: {model!r}")


def dense_kernel(layer):
    kernel = ops.convert_to_numpy(layer.kernel)
    if layer.quantization_mode == "int8":
        return kernel / ops.convert_to_numpy(layer.kernel_scale)
    return kernel


def filters_picture(model, path, count=28):
    """Draws `filter_components`, in colour for three channels.

    Args:
        model, count: as in `filter_components`.
        path: of the PNG file.

    Raises:
        ValueError: for a model without filters on its pixels.
    """
    components = filter_components(model, count)
    columns = min(7, len(components))
    rows = -(-len(components) // columns)
    height, width = components.shape[1:3]
    figure = new_figure(max(3.6, 0.95 * columns), (0.95 * height / width + 0.2) * rows + 0.6)
    axes = figure.subplots(rows, columns, squeeze=False)
    for panel in axes.flat[len(components) :]:
        panel.axis("off")
    for index, component in enumerate(components):
        show_image(axes.flat[index], 255 * component)
        axes.flat[index].set_xlabel(index + 1, size=8, labelpad=1)
    figure.suptitle(
        f"Principal components of the {height}x{width} filters\non the pixels (mid-grey: weight 0)",
        size=10,
    )
    save_figure(figure, path)
