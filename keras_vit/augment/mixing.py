"""Mixup and CutMix, with a draw of its own for each image."""

import math
from numbers import Real

import keras
import numpy

from keras_vit.augment.data_layer import ImageLayer
from keras_vit.extras import needed_for

NODES = 4097


@keras.saving.register_keras_serializable(package="keras_vit")
class Mixing(ImageLayer):
    """Mix each image of a batch with another one: by mixup, by CutMix, or by either at random.

    Mixup (Zhang et al., arXiv 1710.09412, equation 1) adds the two images with the shares λ and
    1 - λ. CutMix (Yun et al., arXiv 1905.04899, section 3.1) pastes a box of the other image, whose
    share of the area is about 1 - λ. λ is drawn from Beta(α, α). Where both are switched on, each
    image takes one of them with equal chance. In timm, one draw decides for the whole batch.

    The other image stands a random number of places later in the batch, and the number is the same
    for all images of a batch. Every other image is equally likely, and no image is mixed with
    itself. The draw needs no sort, as a random permutation would, so that it compiles to a gather.

    Args:
        mixup: float, α of mixup; 0 switches mixup off. Default: 0.0.
        cutmix: float, α of CutMix; 0 switches CutMix off. Default: 0.0.
        seed: int or None, seed of the draws. None: a random seed. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name`. A `dtype` must be float32.

    Call arguments:
        images: tensor `(B, H, W, C)`, uint8 or float, any range of values.
        training: bool, whether to mix. Default: True.

    Input shape: `(B, H, W, C)`.

    Output shape: a tuple of three tensors, `images`, `partner` and `weight`.
        `images`: `(B, H, W, C)` float32.
        `partner`: `(B,)` int32, index of the other image.
        `weight`: `(B,)` float32, share of the image's own label. For CutMix it is the exact share
        of the pixels that are kept.
        With `training=False`, or with both switched off, the images are those of the input and the
        weights are 1.

    Raises:
        ValueError: if an α is negative or not finite, or if the images have no batch axis.
    """

    def __init__(
        self, mixup: float = 0.0, cutmix: float = 0.0, seed: int | None = None, **kwargs
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        _check_alpha("mixup", mixup)
        _check_alpha("cutmix", cutmix)
        self.mixup = mixup
        self.cutmix = cutmix
        self._mixup_quantiles = beta_quantiles(mixup) if mixup else None
        self._cutmix_quantiles = beta_quantiles(cutmix) if cutmix else None

    def call(self, images, training: bool = True):
        images, single = self._as_batch(images)
        if single:
            raise ValueError(
                "Mixing takes a batch of images of shape (B, H, W, C). "
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
        # A sum of two weighted images could be larger than both pixels after rounding. This form
        # cannot.
        return others + keep * (images - others), partner, weight

    def pass_through(self, images):
        np = self.backend.numpy
        batch = self.backend.shape(images)[0]
        return images, np.arange(batch, dtype="int32"), np.ones((batch,), dtype="float32")

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return tuple(input_shape), (input_shape[0],), (input_shape[0],)

    def compute_output_spec(
        self, images, training: bool = True
    ) -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
        dtypes = ("float32", "int32", "float32")
        shapes = self.compute_output_shape(images.shape)
        return tuple(keras.KerasTensor(s, dtype=d) for s, d in zip(shapes, dtypes, strict=True))

    def get_config(self) -> dict:
        return {**super().get_config(), "mixup": self.mixup, "cutmix": self.cutmix}

    def _shares(self, shape, draws):
        """Compute what share of itself each image keeps.

        Args:
            shape: shape of the images, (B, H, W, C).
            draws: tensor `(4, B)` float32, uniform in [0, 1).

        Returns:
            The shares of each pixel, which broadcast to `(B, H, W, C)`, and the share of each whole
            image, `(B,)`.
        """
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


def beta_quantiles(alpha: float) -> numpy.ndarray:
    """Compute the quantile function of Beta(α, α) at `NODES` even steps from 0 to 1.

    The quantile function turns a uniform draw into a Beta draw. The usual way to draw from a Beta
    distribution uses Gamma variates, which TensorFlow cannot compile by XLA.

    Args:
        alpha: float greater than 0.

    Returns:
        Array `(NODES,)` float32.
    """
    # scipy is imported here, because it is slow to import and most layers mix nothing.
    with needed_for("The draw of mixup and CutMix"):
        from scipy.special import betaincinv

    return betaincinv(alpha, alpha, numpy.linspace(0, 1, NODES)).astype("float32")


def _interpolate(backend, quantiles, uniform):
    """Read a table of quantiles at uniform draws, linearly between its entries."""
    np = backend.numpy
    place = uniform * (NODES - 1)
    below = np.minimum(np.floor(place), NODES - 2)
    index = backend.cast(below, "int32")
    low, high = np.take(quantiles, index, axis=0), np.take(quantiles, index + 1, axis=0)
    return low + (place - below) * (high - low)


def _other_places(backend, batch, uniform):
    """Compute the index of each image's partner, `(B,)` int32, from one uniform draw `(1,)`."""
    np = backend.numpy
    others = backend.cast(batch - 1, "float32")
    shift = 1 + np.minimum(np.floor(uniform * others), np.maximum(others - 1, 0.0))
    return (np.arange(batch, dtype="int32") + backend.cast(shift, "int32")) % batch


def _box_shares(backend, share, row, column, height, width):
    """Compute which pixels CutMix keeps, and their share.

    Args:
        backend: Keras's backend module.
        share: tensor `(B,)` float32, λ.
        row: tensor `(B,)` float32, uniform draws for the centre of the box.
        column: tensor `(B,)` float32, uniform draws for the centre of the box.
        height: int, height of the images in pixels.
        width: int, width of the images in pixels.

    Returns:
        Tensor `(B, H, W, 1)` float32, 0 inside the box and 1 outside, and tensor `(B,)` float32,
        the share of the pixels outside.
    """
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
    """Compute start and end of a box around a uniform centre, cut off at the image's edge."""
    centre = np.floor(uniform * size)
    half = np.floor(np.floor(side * size) / 2)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, size)


def _check_alpha(argument, value):
    if not isinstance(value, Real) or not 0 <= value < math.inf:
        raise ValueError(
            f"`{argument}` must be a finite number of at least 0. Received: {argument}={value}"
        )
