from collections.abc import Iterable
from numbers import Integral

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class Patches(keras.layers.Layer):
    """Cuts images into patches and flattens each one.

    The patches come row by row, as one reads; each is flattened in the order (row, column,
    channel). A Dense layer on top is the convolution with the same kernel and stride of the ViT
    paper (arXiv 2010.11929, equation 1): its kernel is the convolution's HWIO kernel, reshaped.

    Args:
        patch_size: int or (height, width), in pixels.

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, N, height * width * C)` with `N = (H / height) * (W / width)`.

    Raises:
        ValueError: where the patch does not divide the image.
    """

    def __init__(self, patch_size, **kwargs):
        super().__init__(**kwargs)
        self.patch_size = pair(patch_size, "patch_size")

    def call(self, images):
        _, height, width, channels = images.shape
        ph, pw = self.patch_size
        rows, columns = patch_grid((height, width), self.patch_size)
        x = ops.reshape(images, (-1, rows, ph, columns, pw, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (-1, rows * columns, ph * pw * channels))

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        ph, pw = self.patch_size
        rows, columns = patch_grid((height, width), self.patch_size)
        return (batch, rows * columns, ph * pw * channels)

    def get_config(self):
        return {**super().get_config(), "patch_size": self.patch_size}


def pair(value, name):
    """`value` as (height, width): two positive ints."""
    sizes = tuple(value) if isinstance(value, Iterable) else (value, value)
    if len(sizes) != 2 or not all(isinstance(size, Integral) and size > 0 for size in sizes):
        raise ValueError(
            f"`{name}` must be a positive int or a (height, width) pair. Received: {name}={value}"
        )
    return int(sizes[0]), int(sizes[1])


def patch_grid(image_size, patch_size):
    """(rows, columns) of patches in an image of (height, width) pixels."""
    if None in image_size:
        raise ValueError(
            f"Patches need images of a known height and width. Received: {tuple(image_size)}"
        )
    if any(pixels % size for pixels, size in zip(image_size, patch_size, strict=True)):
        raise ValueError(
            f"A patch of {patch_size[0]}x{patch_size[1]} pixels does not divide an image of "
            f"{image_size[0]}x{image_size[1]} pixels."
        )
    return image_size[0] // patch_size[0], image_size[1] // patch_size[1]
