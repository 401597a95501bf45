"""What a masked autoencoder makes of the patches that it does not see."""

from typing import NamedTuple

import numpy as np
from keras import ops

from keras_vit.inspection.checks import checked_images
from keras_vit.train.masked_autoencoder import EPSILON, MaskedAutoencoder

GRAY = 128.0


class Reconstruction(NamedTuple):
    """Images with a part hidden, and with that part predicted.

    Attributes:
        hidden: bool `(B, H, W)`, whether the pixel's patch was hidden.
        masked: `(B, H, W, C)` float32, 0-255: the images, grey where hidden.
        predicted: `(B, H, W, C)` float32, 0-255: the images, predicted where hidden.
    """

    hidden: np.ndarray
    masked: np.ndarray
    predicted: np.ndarray


def reconstruction(model, images):
    """Hides a part of each image's patches and predicts their pixels from the others.

    A model with normalised targets does not predict a patch's mean and deviation; these are taken
    from the hidden patch itself, so that the picture shows what was predicted, its pattern.

    Args:
        model: a `MaskedAutoencoder`.
        images: `(B, H, W, C)`, 0-255; a handful, they are run at once.

    Returns:
        A `Reconstruction`. The same patches are hidden at every call.

    Raises:
        ValueError: for another model, or images that it does not take.
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


def as_patches(images, patch_size):
    """`(B, H, W, C)` cut into `(B, N, P)`, as the layer `Patches` does."""
    batch, height, width, channels = images.shape
    ph, pw = patch_size
    x = images.reshape(batch, height // ph, ph, width // pw, pw, channels)
    return x.swapaxes(2, 3).reshape(batch, -1, ph * pw * channels)


def as_images(patches, shape, patch_size):
    """`(B, N, P)` put together to images of the shape `(B, H, W, C)`."""
    batch, height, width, channels = shape
    ph, pw = patch_size
    x = patches.reshape(batch, height // ph, width // pw, ph, pw, channels)
    return x.swapaxes(2, 3).reshape(shape)
