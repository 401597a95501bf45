"""The five operations that map each value by itself: one curve of 256 entries, one lookup.

Invert, Solarize and Posterize have the same curve for every image, made here on the host.
AutoContrast and Equalize make theirs from each channel of each image.
"""

import numpy

NAMES = ("Invert", "Solarize", "Posterize", "AutoContrast", "Equalize")
STRAIGHT = numpy.arange(256, dtype="float32")


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
    _, _, _, channels = images.shape
    batch = backend.shape(images)[0]
    first = np.reshape(np.arange(batch * channels, dtype="int32") * 256, (-1, 1, 1, channels))
    places = first + backend.cast(images, "int32")

    kind = np.reshape(kind, (-1, 1, 1))
    curves = np.expand_dims(fixed, axis=1)
    curves = np.where(kind == NAMES.index("AutoContrast"), _stretched(np, images), curves)
    curves = np.where(kind == NAMES.index("Equalize"), _equalized(backend, images, places), curves)
    return np.take(np.reshape(curves, (-1,)), places, axis=0)


def _stretched(np, images):
    low = np.min(images, axis=(1, 2))[..., None]
    high = np.max(images, axis=(1, 2))[..., None]
    flat = high <= low
    values = np.arange(256, dtype="float32")
    scale = 255 / np.where(flat, 255.0, high - low)
    return np.floor(np.clip((values - np.where(flat, 0.0, low)) * scale, 0, 255))


def _equalized(backend, images, places):
    np = backend.numpy
    channels = images.shape[-1]
    batch = backend.shape(images)[0]
    places = np.reshape(places, (-1,))
    counts = backend.math.segment_sum(
        np.ones_like(places), places, num_segments=batch * channels * 256
    )
    counts = np.reshape(counts, (-1, channels, 256))
    below = np.cumsum(counts, axis=-1) - counts
    # PIL leaves the brightest value that occurs out of the count, so that it maps to 255.
    step = np.max(np.where(counts > 0, below, 0), axis=-1, keepdims=True) // 255
    curves = (below + step // 2) // np.maximum(step, 1)
    curves = backend.cast(np.minimum(curves, 255), "float32")
    return np.where(step == 0, np.arange(256, dtype="float32"), curves)
