"""Checks of the arguments that the functions of this room share."""

import keras
import numpy as np

from keras_vit.models.intermediates import plain_model


def checked_images(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return images as float32 after a check that the model takes them.

    Args:
        model: a Keras model of images, or an `AugmentedModel` around such a model.
        images: array `(B, H, W, C)`, values 0-255.

    Returns:
        Float32 array `(B, H, W, C)`.

    Raises:
        ValueError: if the images do not have the shape of the model's input, or if there are none.
    """
    images = np.asarray(images)
    expected = tuple(plain_model(model).input_shape[1:])
    fits = images.ndim == 1 + len(expected) and all(
        size in (None, got) for size, got in zip(expected, images.shape[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            f"`images` must have the shape (B, {', '.join(map(str, expected))}). "
            f"Received: shape={images.shape}"
        )
    if len(images) == 0:
        raise ValueError(
            f"`images` must hold at least one image; there are no images. "
            f"Received: shape={images.shape}"
        )
    return images.astype("float32")


def checked_batch_size(batch_size: int) -> int:
    """Return the batch size, or raise a ValueError if it is below 1."""
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be 1 or more. Received: batch_size={batch_size}")
    return batch_size


def checked_maps(maps: np.ndarray, function_name: str) -> np.ndarray:
    """Return attention maps as an array, or raise a ValueError if their shape is another.

    Args:
        maps: float array `(depth, B, heads, T, T)`.
        function_name: str, name of the function that needs the maps, for the error.
    """
    maps = np.asarray(maps)
    if maps.ndim != 5 or maps.shape[-1] != maps.shape[-2] or 0 in maps.shape:
        raise ValueError(
            f"{function_name} needs attention maps of shape (depth, B, heads, T, T). "
            f"Received: shape={maps.shape}"
        )
    return maps


def prefix_tokens(tokens: int, grid: tuple[int, int]) -> int:
    """Return the number of tokens in front of the patches of a (rows, columns) grid."""
    prefix = tokens - grid[0] * grid[1]
    if prefix < 0:
        raise ValueError(
            f"There must be at least as many tokens as patches in the grid: {tokens} tokens do not "
            f"fill a grid of {grid[0]}x{grid[1]} patches. Received: tokens={tokens}, grid={grid}"
        )
    return prefix
