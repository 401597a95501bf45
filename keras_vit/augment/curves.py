"""The five operations that map each value by itself: one curve of 256 entries, one lookup.

Invert, Solarize and Posterize have the same curve for every image, made here on the host.
AutoContrast and Equalize make theirs from each channel of each image.
"""

import numpy

from keras_vit.augment.data_layer import update_where
from keras_vit.augment.gather import count, look_up

NAMES = ("Invert", "Solarize", "Posterize", "AutoContrast", "Equalize")
STRAIGHT = numpy.arange(256, dtype="float32")
# AutoContrast's factor for each distance of the highest value from the lowest. A table, and
# the reciprocal first, because the last bit decides what truncates to where: so rounds
# torchvision, and not every accelerator divides exactly.
STRETCHES = 255 * (1 / numpy.maximum(STRAIGHT, 1))
STRETCHES[0] = 1


def fixed_curve(name, magnitude):
    """The curve of an operation that does not look at the image, else the straight one.

    Solarize inverts values from `magnitude` up; Posterize keeps the `magnitude` highest bits.
    """
    if name == "Invert":
        return 255 - STRAIGHT
    if name == "Solarize":
        return numpy.where(magnitude <= STRAIGHT, 255 - STRAIGHT, STRAIGHT)
    if name == "Posterize":
        step = 2 ** (8 - int(magnitude))
        return STRAIGHT - STRAIGHT % step
    return STRAIGHT


def map_values(backend, images, kind, fixed):
    """Each image through the curve of its own kind.

    Args:
        backend: `self.backend` of the calling layer.
        images: (B, H, W, C) float32, whole numbers 0–255.
        kind: (B,) int32, an index into `NAMES`; all but the last two use `fixed`.
        fixed: (B, 256) float32.
    """
    np = backend.numpy
    channels = images.shape[-1]

    def draw(curves, images, kind):
        counts = _counts(backend, images)
        selected = np.reshape(kind, (-1, 1, 1))
        stretched, equalized = _stretched(backend, counts), _equalized(backend, counts)
        curves = np.where(selected == NAMES.index("AutoContrast"), stretched, curves)
        return np.where(selected == NAMES.index("Equalize"), equalized, curves)

    curves = np.stack([fixed] * channels, axis=1)
    chosen = kind >= NAMES.index("AutoContrast")
    curves = update_where(backend, chosen, draw, curves, images, kind)
    return look_up(backend, np.reshape(curves, (-1,)), _places(backend, images))


def _places(backend, images):
    """(B, H, W, C) int32: where each value stands in a (B, C, 256) table that is laid flat."""
    np = backend.numpy
    batch, channels = backend.shape(images)[0], images.shape[-1]
    first = np.reshape(np.arange(batch * channels, dtype="int32") * 256, (-1, 1, 1, channels))
    return first + backend.cast(images, "int32")


def _counts(backend, images):
    """(B, C, 256) int32: pixels of each value."""
    channels = images.shape[-1]
    size = backend.shape(images)[0] * channels * 256
    counts = count(backend, _places(backend, images), size)
    return backend.numpy.reshape(counts, (-1, channels, 256))


def _stretched(backend, counts):
    """The lowest value to 0, the highest to 255. `counts` (B, C, 256): pixels of each value."""
    np = backend.numpy
    values = np.arange(256, dtype="float32")
    low = np.min(np.where(counts > 0, values, 255.0), axis=-1, keepdims=True)
    high = np.max(np.where(counts > 0, values, 0.0), axis=-1, keepdims=True)
    span = high - low
    scale = np.take(STRETCHES, backend.cast(span, "int32"), axis=0)
    low = np.where(span == 0, 0.0, low)
    return np.floor(np.clip((values - low) * scale, 0, 255))


def _equalized(backend, counts):
    np = backend.numpy
    below = np.cumsum(counts, axis=-1) - counts
    # The brightest value that occurs stays out of the count, so that it maps to 255.
    step = np.max(np.where(counts > 0, below, 0), axis=-1, keepdims=True) // 255
    curves = (below + step // 2) // np.maximum(step, 1)
    curves = backend.cast(np.minimum(curves, 255), "float32")
    return np.where(step == 0, np.arange(256, dtype="float32"), curves)
