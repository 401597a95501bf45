"""What every look into a model asks of its input."""

import numpy as np

from keras_vit.models.intermediates import plain_model


def checked_images(model, images):
    """`images` as float32; an error where the model can't take them or there are none.

    Args:
        model: a Keras model of images, or an `AugmentedModel` around one.
        images: `(B, H, W, C)`, values 0-255.

    Raises:
        ValueError: for images of another shape than the model's input, or an empty batch.
    """
    images = np.asarray(images)
    expected = tuple(plain_model(model).input_shape[1:])
    fits = images.ndim == 1 + len(expected) and all(
        size in (None, got) for size, got in zip(expected, images.shape[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            f"The model takes images of shape (B, {', '.join(map(str, expected))}). "
            f"Received: shape={images.shape}"
        )
    if len(images) == 0:
        raise ValueError(f"There are no images to look at. Received: shape={images.shape}")
    return images.astype("float32")


def checked_batch_size(batch_size):
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be 1 or more. Received: {batch_size}")
    return batch_size


def checked_maps(maps, what):
    """Attention maps as a float array, whose rows and columns are the same tokens."""
    maps = np.asarray(maps)
    if maps.ndim != 5 or maps.shape[-1] != maps.shape[-2] or 0 in maps.shape:
        raise ValueError(
            f"{what} needs attention maps of shape (depth, B, heads, T, T). "
            f"Received: shape={maps.shape}"
        )
    return maps


def prefix_tokens(tokens, grid):
    """How many of the tokens stand in front of the patches of a (rows, columns) grid."""
    prefix = tokens - grid[0] * grid[1]
    if prefix < 0:
        raise ValueError(f"{tokens} tokens do not fill a grid of {grid[0]}x{grid[1]} patches.")
    return prefix
