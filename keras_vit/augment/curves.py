"""The five operations that map each value by itself: one curve of 256 entries and one look-up.

Invert, Solarize and Posterize have the same curve for every image, which is computed with NumPy
before the images arrive. AutoContrast and Equalize compute a curve from each channel of each image.
"""

import numpy

from keras_vit.augment.data_layer import update_where
from keras_vit.augment.gather import count, look_up

NAMES = ("Invert", "Solarize", "Posterize", "AutoContrast", "Equalize")
IDENTITY = numpy.arange(256, dtype="float32")
# AutoContrast's factor for each difference between the highest and the lowest value. The factors
# are a table, and are computed by way of the reciprocal, because their last bit decides which way a
# value is truncated: torchvision rounds in this way, and not every accelerator divides exactly.
STRETCH_FACTORS = 255 * (1 / numpy.maximum(IDENTITY, 1))
STRETCH_FACTORS[0] = 1


def fixed_curve(name: str | None, magnitude: float) -> numpy.ndarray:
    """Compute the curve of an operation that does not depend on the image.

    Args:
        name: str, name of the operation, or None for no operation.
        magnitude: float; Solarize inverts the values from `magnitude` on, and Posterize keeps that
            many of the highest bits. Invert ignores it.

    Returns:
        Array `(256,)` float32. It is the identity for any other operation.
    """
    if name == "Invert":
        return 255 - IDENTITY
    if name == "Solarize":
        return numpy.where(magnitude <= IDENTITY, 255 - IDENTITY, IDENTITY)
    if name == "Posterize":
        step = 2 ** (8 - int(magnitude))
        return IDENTITY - IDENTITY % step
    return IDENTITY


def map_values(backend, images, operation, fixed):
    """Map the values of each image by the curve of its own operation.

    Args:
        backend: Keras's backend module, `self.backend` of the calling layer.
        images: tensor `(B, H, W, C)` float32, whole numbers 0–255.
        operation: tensor `(B,)` int32, indices into `NAMES`.
        fixed: tensor `(B, 256)` float32, the curves of all operations but AutoContrast and
            Equalize.

    Returns:
        Tensor `(B, H, W, C)` float32, whole numbers 0–255.
    """
    np = backend.numpy
    channels = images.shape[-1]

    def curves_from_images(curves, images, operation):
        counts = _counts(backend, images)
        selected = np.reshape(operation, (-1, 1, 1))
        stretched, equalized = _stretched(backend, counts), _equalized(backend, counts)
        curves = np.where(selected == NAMES.index("AutoContrast"), stretched, curves)
        return np.where(selected == NAMES.index("Equalize"), equalized, curves)

    curves = np.stack([fixed] * channels, axis=1)
    chosen = operation >= NAMES.index("AutoContrast")
    curves = update_where(backend, chosen, curves_from_images, curves, images, operation)
    return look_up(backend, np.reshape(curves, (-1,)), _places(backend, images))


def _places(backend, images):
    """Compute the index of each value in a table `(B, C, 256)` laid flat; `(B, H, W, C)` int32."""
    np = backend.numpy
    batch, channels = backend.shape(images)[0], images.shape[-1]
    first = np.reshape(np.arange(batch * channels, dtype="int32") * 256, (-1, 1, 1, channels))
    return first + backend.cast(images, "int32")


def _counts(backend, images):
    """Count the pixels of each value, `(B, C, 256)` int32."""
    channels = images.shape[-1]
    size = backend.shape(images)[0] * channels * 256
    counts = count(backend, _places(backend, images), size)
    return backend.numpy.reshape(counts, (-1, channels, 256))


def _stretched(backend, counts):
    """Compute AutoContrast's curves: the lowest value becomes 0 and the highest 255.

    `counts` is as `_counts` returns it.
    """
    np = backend.numpy
    values = np.arange(256, dtype="float32")
    low = np.min(np.where(counts > 0, values, 255.0), axis=-1, keepdims=True)
    high = np.max(np.where(counts > 0, values, 0.0), axis=-1, keepdims=True)
    span = high - low
    factor = np.take(STRETCH_FACTORS, backend.cast(span, "int32"), axis=0)
    low = np.where(span == 0, 0.0, low)
    return np.floor(np.clip((values - low) * factor, 0, 255))


def _equalized(backend, counts):
    """Compute Equalize's curves: every value becomes about equally frequent."""
    np = backend.numpy
    below = np.cumsum(counts, axis=-1) - counts
    # The brightest value that occurs is not counted, so that it becomes 255.
    step = np.max(np.where(counts > 0, below, 0), axis=-1, keepdims=True) // 255
    curves = (below + step // 2) // np.maximum(step, 1)
    curves = backend.cast(np.minimum(curves, 255), "float32")
    return np.where(step == 0, np.arange(256, dtype="float32"), curves)
