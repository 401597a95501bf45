"""RandomResizedCrop: a random part of each image, resized to a common size."""

import math

import keras

from keras_vit.augment.checks import check_range, positive_integer
from keras_vit.augment.data_layer import ImageLayer

TRIES = 10


@keras.saving.register_keras_serializable(package="keras_vit")
class RandomResizedCrop(ImageLayer):
    """Crop each image at random, in area and aspect ratio, and resize the crops to one size.

    This is the crop of Inception (Szegedy et al., arXiv 1409.4842, section 6) as torchvision draws
    it. The area is uniform in `scale`, and the aspect ratio is log-uniform in `ratio`. The layer
    takes the first of ten draws that fits into the image. Where none fits, it takes the largest
    crop from the centre with an allowed ratio. The resizing is bilinear with antialiasing, by one
    matrix for each axis and image, which compiles on every backend.

    The published scale 0.08–1 is for photographs of hundreds of pixels. On images of 32×32 pixels a
    lower bound of 0.8–0.9 is usual.

    Args:
        height: int, at least 1, height of the output in pixels.
        width: int, at least 1, width of the output in pixels.
        scale: pair of floats, 0 < low <= high <= 1, share of the image's area in the crop. Default:
            (0.08, 1.0).
        ratio: pair of floats, 0 < low <= high, width of the crop over its height. Default:
            (3/4, 4/3).
        seed: int or None, seed of the draws. None: a random seed. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name`. A `dtype` must be float32.

    Call arguments:
        images: tensor `(B, H, W, C)` or `(H, W, C)`, uint8 or float, values 0–255.
        training: bool, whether to crop. Default: True.

    Input shape: `(B, H, W, C)` or `(H, W, C)`.

    Output shape: `(B, height, width, C)` or `(height, width, C)`, float32, values 0–255, not
        rounded. With `training=False` it is the whole image, resized; an image of that size does
        not change.

    Raises:
        ValueError: if `height` or `width` is not a positive integer, or if `scale` or `ratio` is
            not a pair in the range above.
    """

    def __init__(
        self,
        height: int,
        width: int,
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        seed: int | None = None,
        **kwargs,
    ) -> None:
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
        """Resize given crops, as the layer resizes the ones that it draws.

        Args:
            images: tensor or array `(B, H, W, C)`, values 0–255.
            boxes: tensor or array `(B, 4)`, the top, left, height and width of each image's crop in
                pixels, inside the image.

        Returns:
            Tensor `(B, height, width, C)` float32.
        """
        images, _ = self._as_batch(images)
        boxes = self.backend.convert_to_tensor(boxes, dtype="float32")
        return self._crop_and_resize(images, boxes)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-3], self.height, self.width, input_shape[-1])

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "height": self.height,
            "width": self.width,
            "scale": self.scale,
            "ratio": self.ratio,
        }

    def _draw_boxes(self, batch, height, width, seed):
        """Draw a crop for each image, `(B, 4)` float32: top, left, height, width in pixels."""
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

        # The draw is the share of the free pixels that lie above and to the left of the crop. The
        # minimum is needed where a draw is so close to 1 that the product rounds up.
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
        down = _resize_weights(self.backend, boxes[:, 0], boxes[:, 2], height, self.height)
        across = _resize_weights(self.backend, boxes[:, 1], boxes[:, 3], width, self.width)
        rows = np.matmul(down, np.reshape(images, (-1, height, width * channels)))
        rows = np.reshape(rows, (-1, self.height, width, channels))
        # Rounding can make the weights add up to slightly more than 1.
        return np.minimum(np.einsum("bpx,byxc->bypc", across, rows), 255)


def _resize_weights(backend, start, length, size, out_size):
    """Compute how much each input pixel of an axis counts in each output pixel.

    The weights are a triangle around the centre of the output pixel. It is as wide as an output
    pixel where the crop shrinks, and as an input pixel where the crop grows. Pixels outside the
    crop do not count.

    Args:
        backend: Keras's backend module.
        start: tensor `(B,)` float32, first pixel of each crop.
        length: tensor `(B,)` float32, length of each crop in pixels.
        size: int, length of the axis in the input, in pixels.
        out_size: int, length of the axis in the output, in pixels.

    Returns:
        Tensor `(B, out_size, size)` float32, whose rows add up to 1.
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
    """Return the largest crop from the centre whose aspect ratio is allowed."""
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
