"""Mixup and CutMix, a draw of its own for each image."""

import math
from numbers import Real

import keras
import numpy

from keras_vit.augment.data_layer import ImageLayer

NODES = 4097


@keras.saving.register_keras_serializable(package="keras_vit")
class Mixing(ImageLayer):
    """Mixes each image of a batch with another: mixup, CutMix, or either with equal chance.

    Mixup (Zhang et al., arXiv 1710.09412, equation 1) adds the two images with shares λ and
    1 - λ. CutMix (Yun et al., arXiv 1905.04899, section 3.1) pastes a box of the other of
    about the area 1 - λ. λ comes from Beta(α, α). Where both are on, each image takes one of
    the two; timm's switch of 0.5 decides for the whole batch.

    The other image stands a random number of places further in the batch, the same number for
    all: any other image is equally likely, none mixes with itself, and nothing is sorted, as
    a random permutation would need, so that it compiles to a gather.

    Args:
        mixup: α of mixup, 0 for none.
        cutmix: α of CutMix, 0 for none.
        seed: Integer or `None`.
        **kwargs: Keras's `name` and the like.

    Input shape:
        (B, H, W, C), uint8 or float, any range.

    Output shape:
        A tuple `(images, partner, weight)`: (B, H, W, C) float32; (B,) int32, the index of the
        other image; (B,) float32, the share of the image's own label. For CutMix it is the
        exact share of the pixels kept. With `training=False`, or with both off, the images
        are the input's and the weights 1.

    Raises:
        ValueError: A negative α, or images without a batch axis.
    """

    def __init__(self, mixup=0.0, cutmix=0.0, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        _check_alpha("mixup", mixup)
        _check_alpha("cutmix", cutmix)
        self.mixup = mixup
        self.cutmix = cutmix
        self._mixup_quantiles = beta_quantiles(mixup) if mixup else None
        self._cutmix_quantiles = beta_quantiles(cutmix) if cutmix else None

    def call(self, images, training=True):
        images, single = self._as_batch(images)
        if single:
            raise ValueError(
                "Mixing needs a batch of images (B, H, W, C). "
                f"Received: shape={tuple(images.shape[1:])}"
            )
        if training and (self.mixup or self.cutmix):
            return self.augment(images, self._seed())
        return self.pass_through(images)

    def augment(self, images, seed):
        np, random = self.backend.numpy, self.backend.random
        batch = self.backend.shape(images)[0]
        partner = _other_places(
            self.backend, batch, random.uniform((1,), dtype="float32", seed=seed)
        )
        draws = random.uniform((4, batch), dtype="float32", seed=seed)
        keep, weight = self._shares(images.shape, draws)
        others = np.take(images, partner, axis=0)
        # Not the sum of both shares, whose rounding can lead beyond the larger of two pixels.
        return others + keep * (images - others), partner, weight

    def pass_through(self, images):
        np = self.backend.numpy
        batch = self.backend.shape(images)[0]
        return images, np.arange(batch, dtype="int32"), np.ones((batch,), dtype="float32")

    def compute_output_shape(self, input_shape):
        return tuple(input_shape), (input_shape[0],), (input_shape[0],)

    def compute_output_spec(self, images, training=True):
        dtypes = ("float32", "int32", "float32")
        shapes = self.compute_output_shape(images.shape)
        return tuple(keras.KerasTensor(s, dtype=d) for s, d in zip(shapes, dtypes, strict=True))

    def get_config(self):
        return {**super().get_config(), "mixup": self.mixup, "cutmix": self.cutmix}

    def _shares(self, shape, draws):
        """The share of its own that each image keeps: by pixel, and as a whole."""
        np = self.backend.numpy
        _, height, width, _ = shape
        chance, quantile, row, column = (draws[i] for i in range(4))
        if self.mixup:
            mixed = _interpolate(self.backend, self._mixup_quantiles, quantile)
            keep_mixed = np.reshape(mixed, (-1, 1, 1, 1))
            if not self.cutmix:
                return keep_mixed, mixed
        cut = _interpolate(self.backend, self._cutmix_quantiles, quantile)
        keep_cut, cut = _box_shares(self.backend, cut, row, column, height, width)
        if not self.mixup:
            return keep_cut, cut
        cuts = chance < 0.5
        keep = np.where(np.reshape(cuts, (-1, 1, 1, 1)), keep_cut, keep_mixed)
        return keep, np.where(cuts, cut, mixed)


def beta_quantiles(alpha):
    """The quantile function of Beta(α, α) at `NODES` even steps from 0 to 1, float32.

    A uniform draw pushed through it is a Beta draw. Sampling Beta itself goes by Gamma
    variates, for which TensorFlow has no XLA form.
    """
    from scipy.special import betaincinv  # scipy is slow to import, and most layers mix nothing

    return betaincinv(alpha, alpha, numpy.linspace(0, 1, NODES)).astype("float32")


def _interpolate(backend, quantiles, uniform):
    np = backend.numpy
    place = uniform * (NODES - 1)
    below = np.minimum(np.floor(place), NODES - 2)
    index = backend.cast(below, "int32")
    low, high = np.take(quantiles, index, axis=0), np.take(quantiles, index + 1, axis=0)
    return low + (place - below) * (high - low)


def _other_places(backend, batch, uniform):
    np = backend.numpy
    others = backend.cast(batch - 1, "float32")
    further = 1 + np.minimum(np.floor(uniform * others), np.maximum(others - 1, 0.0))
    return (np.arange(batch, dtype="int32") + backend.cast(further, "int32")) % batch


def _box_shares(backend, share, row, column, height, width):
    """0 inside each image's box and 1 outside; and the share of the pixels outside."""
    np = backend.numpy
    side = np.sqrt(1 - share)
    top, bottom = _box_side(np, row, side, height)
    left, right = _box_side(np, column, side, width)
    y = np.reshape(np.arange(height, dtype="float32"), (1, -1))
    x = np.reshape(np.arange(width, dtype="float32"), (1, -1))
    in_rows = np.logical_and(y >= top[:, None], y < bottom[:, None])
    in_columns = np.logical_and(x >= left[:, None], x < right[:, None])
    inside = np.logical_and(in_rows[:, :, None], in_columns[:, None, :])
    outside = 1 - backend.cast(inside, "float32")
    area = (bottom - top) * (right - left)
    return outside[..., None], 1 - area / (height * width)


def _box_side(np, uniform, side, size):
    """Start and end of a box about a uniform centre, cut off at the image's edge."""
    centre = np.floor(uniform * size)
    half = np.floor(np.floor(side * size) / 2)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, size)


def _check_alpha(argument, value):
    if not isinstance(value, Real) or not 0 <= value < math.inf:
        raise ValueError(
            f"`{argument}` must be a finite number, 0 or more. Received: {argument}={value}"
        )
