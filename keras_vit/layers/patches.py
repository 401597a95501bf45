"""The cut of images into patches, and checks of the sizes of patches and images."""

from collections.abc import Iterable
from numbers import Integral

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class Patches(keras.layers.Layer):
    """Cut images into patches and flatten each patch.

    The patches come row by row, from left to right. Each patch is flattened in the order (row,
    column, channel). A Dense layer after this layer computes the same as the convolution of the ViT
    paper (arXiv 2010.11929, equation 1) whose kernel size and stride are the patch size: the kernel
    of the Dense layer is the convolution's kernel (height, width, input, output), reshaped.

    Args:
        patch_size: int or pair of ints, side or (height, width) of a patch in pixels.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        images: tensor `(B, H, W, C)`; H, W and C must be known.

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, N, height * width * C)` with `N = (H / height) * (W / width)`.

    Raises:
        ValueError: if `patch_size` is not a positive int or a pair of them, if H or W is unknown,
            or if the patch does not divide the image.
    """

    def __init__(self, patch_size: int | tuple[int, int], **kwargs) -> None:
        super().__init__(**kwargs)
        self.patch_size = pair(patch_size, "patch_size")

    def call(self, images):
        _, height, width, channels = images.shape
        ph, pw = self.patch_size
        rows, columns = patch_grid((height, width), self.patch_size)
        x = ops.reshape(images, (-1, rows, ph, columns, pw, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (-1, rows * columns, ph * pw * channels))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, height, width, channels = input_shape
        ph, pw = self.patch_size
        rows, columns = patch_grid((height, width), self.patch_size)
        return (batch, rows * columns, ph * pw * channels)

    def get_config(self) -> dict:
        return {**super().get_config(), "patch_size": self.patch_size}


def pair(value: int | Iterable[int], name: str) -> tuple[int, int]:
    """Return a size as (height, width).

    Args:
        value: int, the same for both sides, or pair of ints (height, width).
        name: str, name of the argument in the error message.

    Returns:
        Two positive ints, (height, width).

    Raises:
        ValueError: if `value` is neither a positive int nor a pair of positive ints.
    """
    sizes = tuple(value) if isinstance(value, Iterable) else (value, value)
    if len(sizes) != 2 or not all(isinstance(size, Integral) and size > 0 for size in sizes):
        raise ValueError(
            f"`{name}` must be a positive int or a pair (height, width) of positive ints. "
            f"Received: {name}={value!r}"
        )
    return int(sizes[0]), int(sizes[1])


def patch_grid(
    image_size: tuple[int | None, int | None], patch_size: tuple[int, int]
) -> tuple[int, int]:
    """Return the number of rows and columns of patches in an image.

    Args:
        image_size: pair (height, width) of the image in pixels; None for a side that is unknown.
        patch_size: pair of positive ints, (height, width) of a patch in pixels.

    Returns:
        Pair of ints, (rows, columns).

    Raises:
        ValueError: if a side of the image is unknown, or if the patch does not divide the image.
    """
    image_size = tuple(image_size)
    if None in image_size:
        raise ValueError(
            "The height and the width of the images must be known, to cut them into patches. "
            f"Received: image_size={image_size}"
        )
    if any(pixels % size for pixels, size in zip(image_size, patch_size, strict=True)):
        raise ValueError(
            f"A patch of {patch_size[0]}x{patch_size[1]} pixels does not divide an image of "
            f"{image_size[0]}x{image_size[1]} pixels. The height and the width of the image must "
            "be multiples of the patch's height and width. "
            f"Received: patch_size={tuple(patch_size)}, image_size={image_size}"
        )
    return image_size[0] // patch_size[0], image_size[1] // patch_size[1]
