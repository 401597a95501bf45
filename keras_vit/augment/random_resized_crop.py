"""RandomResizedCrop: a random part of each image, at a common size."""

import math

import keras

from keras_vit.augment.checks import check_range, positive_integer
from keras_vit.augment.data_layer import ImageLayer

TRIES = 10


@keras.saving.register_keras_serializable(package="keras_vit")
class RandomResizedCrop(ImageLayer):
    """A crop of random area and aspect ratio for each image, resized to one size.

    The Inception-style crop (Szegedy et al., arXiv 1409.4842, section 6) as torchvision draws
    it: the area uniform in `scale`, the aspect ratio log-uniform in `ratio`, up to ten tries
    until the crop fits, then the largest centre crop of an allowed ratio. Resized bilinearly
    with antialiasing, each axis by one matrix per image, which compiles on every backend.

    The published scale 0.08–1 is for photographs of hundreds of pixels; on 32×32 images a
    lower bound of 0.8–0.9 is usual.

    Args:
        height, width: Positive integers, the size of the output.
        scale: Pair 0 < low <= high <= 1, the crop's share of the image's area.
        ratio: Pair 0 < low <= high, the crop's width over its height.
        seed: Integer or `None`.
        **kwargs: Keras's `name` and the like.

    Input shape:
        (B, H, W, C) or (H, W, C), uint8 or float, 0–255.

    Output shape:
        (B, height, width, C) or (height, width, C), float32, 0–255, not rounded. With
        `training=False` the whole image resized, unchanged where it has that size already.

    Raises:
        ValueError: A size that is not positive, a pair out of order or out of its bounds.
    """

    def __init__(self, height, width, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3), seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.height = positive_integer("height", height)
        self.width = positive_integer("width", width)
        self.scale = check_range("scale", scale, highest=1.0)
        self.ratio = check_range("ratio", ratio)

    def augment(self, images, seed):
        _, height, width, _ = images.shape
        boxes = self._draw_boxes(self.backend.shape(images)[0], height, width, seed)
        return self._crop_and_resize(images, boxes)

    def pass_through(self, images):
        _, height, width, _ = images.shape
        if (height, width) == (self.height, self.width):
            return images
        each = self.backend.numpy.ones((self.backend.shape(images)[0], 1), dtype="float32")
        whole = self.backend.convert_to_tensor([[0.0, 0.0, height, width]], dtype="float32")
        return self._crop_and_resize(images, each * whole)

    def crop_and_resize(self, images, boxes):
        """The part without chance: given crops, as the layer resizes them.

        Args:
            images: (B, H, W, C).
            boxes: (B, 4), the top, left, height and width of each image's crop in pixels,
                inside the image.

        Returns:
            (B, height, width, C) float32.
        """
        images, _ = self._as_batch(images)
        boxes = self.backend.convert_to_tensor(boxes, dtype="float32")
        return self._crop_and_resize(images, boxes)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-3], self.height, self.width, input_shape[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "height": self.height,
            "width": self.width,
            "scale": self.scale,
            "ratio": self.ratio,
        }

    def _draw_boxes(self, batch, height, width, seed):
        np, random = self.backend.numpy, self.backend.random
        tries = random.uniform((batch, 2, TRIES), dtype="float32", seed=seed)
        low, high = self.scale
        area = (low + (high - low) * tries[:, 0]) * (height * width)
        low, high = (math.log(bound) for bound in self.ratio)
        aspect = np.exp(low + (high - low) * tries[:, 1])
        widths, heights = np.round(np.sqrt(area * aspect)), np.round(np.sqrt(area / aspect))

        fits = np.logical_and(
            np.logical_and(widths >= 1, widths <= width),
            np.logical_and(heights >= 1, heights <= height),
        )
        first = np.logical_and(fits, np.cumsum(self.backend.cast(fits, "int32"), axis=1) == 1)
        found = np.any(fits, axis=1)
        crop_height = np.sum(np.where(first, heights, 0.0), axis=1)
        crop_width = np.sum(np.where(first, widths, 0.0), axis=1)

        # The share of the free pixels that lies above and to the left, as a whole number. The
        # minimum is for a uniform draw so close to 1 that the product rounds up.
        place = random.uniform((2, batch), dtype="float32", seed=seed)
        top = np.minimum(np.floor(place[0] * (height - crop_height + 1)), height - crop_height)
        left = np.minimum(np.floor(place[1] * (width - crop_width + 1)), width - crop_width)

        drawn = np.stack([top, left, crop_height, crop_width], axis=1)
        fallback = self.backend.convert_to_tensor(
            _centre_box(height, width, self.ratio), dtype="float32"
        )
        return np.where(found[:, None], drawn, fallback)

    def _crop_and_resize(self, images, boxes):
        np = self.backend.numpy
        _, height, width, channels = images.shape
        down = _weights(self.backend, boxes[:, 0], boxes[:, 2], height, self.height)
        across = _weights(self.backend, boxes[:, 1], boxes[:, 3], width, self.width)
        rows = np.matmul(down, np.reshape(images, (-1, height, width * channels)))
        rows = np.reshape(rows, (-1, self.height, width, channels))
        # The weights add up to 1 but for their rounding.
        return np.minimum(np.einsum("bpx,byxc->bypc", across, rows), 255)


def _weights(backend, start, length, size, out_size):
    """(B, out_size, size): how much each input pixel of an axis counts in each output pixel.

    A triangle around the output pixel's centre, as wide as an output pixel when the crop
    shrinks and as an input pixel when it grows; pixels outside the crop count nothing.
    """
    np = backend.numpy
    start, length = np.reshape(start, (-1, 1, 1)), np.reshape(length, (-1, 1, 1))
    pixel = np.reshape(np.arange(size, dtype="float32") + 0.5, (1, 1, -1)) - start
    step = length / out_size
    centre = step * np.reshape(np.arange(out_size, dtype="float32") + 0.5, (1, -1, 1))
    weights = np.maximum(1 - np.abs(pixel - centre) / np.maximum(step, 1.0), 0.0)
    weights = np.where(np.logical_and(pixel > 0, pixel < length), weights, 0.0)
    return weights / np.sum(weights, axis=-1, keepdims=True)


def _centre_box(height, width, ratio):
    """The largest centre crop whose aspect ratio is allowed."""
    low, high = ratio
    crop_height, crop_width = height, width
    if width / height < low:
        crop_height = max(1, round(width / low))
    elif width / height > high:
        crop_width = max(1, round(height * high))
    return [
        (height - crop_height) // 2,
        (width - crop_width) // 2,
        crop_height,
        crop_width,
    ]
