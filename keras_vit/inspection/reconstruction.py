"""The prediction of hidden patches by a masked autoencoder."""

from typing import NamedTuple

import numpy as np
from keras import ops

from keras_vit.inspection.checks import checked_images
from keras_vit.train.masked_autoencoder import EPSILON, MaskedAutoencoder

GRAY = 128.0  # value of hidden pixels


class Reconstruction(NamedTuple):
    """Images of which a part is hidden, and the prediction of that part.

    Attributes:
        hidden: bool array `(B, H, W)`, whether the patch of a pixel is hidden.
        masked: float32 array `(B, H, W, C)`, 0-255, the images with grey hidden patches.
        predicted: float32 array `(B, H, W, C)`, 0-255, the images with predicted hidden patches.
    """

    hidden: np.ndarray
    masked: np.ndarray
    predicted: np.ndarray


def reconstruction(model: MaskedAutoencoder, images: np.ndarray) -> Reconstruction:
    """Hide a part of each image's patches and predict their pixels from the other patches.

    A model with normalised targets does not predict the mean and the deviation of a patch. This
    function then takes both from the hidden patch, so that the result shows the predicted pattern.

    Args:
        model: a `MaskedAutoencoder`.
        images: array `(B, H, W, C)`, 0-255; only a few, because the model computes all of them in
            one batch.

    Returns:
        A `Reconstruction`. Every call hides the same patches.

    Raises:
        ValueError: if the model is another, or if it does not take images of this shape.
    """
    if not isinstance(model, MaskedAutoencoder):
        raise ValueError(f"`model` must be a MaskedAutoencoder. Received: {model!r}")
    images = checked_images(model, images)
    size = model.encoder.patch_size
    outputs = model(images, training=False)
    prediction, _, mask = (ops.convert_to_numpy(ops.cast(x, "float32")) for x in outputs)
    scale, offset = (np.asarray(value, "float32") for value in model.encoder.rescaling)
    patches = as_patches(images * scale + offset, size)
    if model.normalize_targets:
        mean, variance = patches.mean(-1, keepdims=True), patches.var(-1, ddof=1, keepdims=True)
        prediction = prediction * np.sqrt(variance + EPSILON) + mean
    predicted = (as_images(prediction, images.shape, size) - offset) / scale
    hidden = as_images(np.repeat(mask[..., None], patches.shape[-1], -1), images.shape, size) == 1
    return Reconstruction(
        hidden[..., 0],
        np.where(hidden, GRAY, images),
        np.where(hidden, np.clip(predicted, 0, 255), images),
    )


def as_patches(images: np.ndarray, patch_size: tuple[int, int]) -> np.ndarray:
    """Cut images `(B, H, W, C)` into patches `(B, N, P)`, as the layer `Patches` does."""
    batch, height, width, channels = images.shape
    ph, pw = patch_size
    x = images.reshape(batch, height // ph, ph, width // pw, pw, channels)
    return x.swapaxes(2, 3).reshape(batch, -1, ph * pw * channels)


def as_images(patches: np.ndarray, shape: tuple, patch_size: tuple[int, int]) -> np.ndarray:
    """Put patches `(B, N, P)` together to images of the shape `(B, H, W, C)`."""
    batch, height, width, channels = shape
    ph, pw = patch_size
    x = patches.reshape(batch, height // ph, width // pw, ph, pw, channels)
    return x.swapaxes(2, 3).reshape(shape)
