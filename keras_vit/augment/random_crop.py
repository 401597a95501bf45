"""RandomCrop: the shift by a few pixels that recipes for CIFAR use in training."""

import keras

from keras_vit.augment.checks import check_fill_value
from keras_vit.augment.data_layer import ImageLayer
from keras_vit.augment.gather import gather_pixels

FILL_MODES = ("constant", "reflect")


@keras.saving.register_keras_serializable(package="keras_vit")
class RandomCrop(ImageLayer):
    """Pad every side of each image and crop back to the input's size, at an offset of its own.

    This is the augmentation of ResNet's CIFAR-10 experiments (He et al., arXiv 1512.03385, section
    4.2), which pad 4 pixels on each side. `keras.layers.RandomCrop` does something else: it draws
    one crop for the whole batch. It also has `supports_jit = False`, and with such a layer
    `compile(jit_compile=True)` trains without compilation and does not say so.

    Args:
        padding: int, at least 0, pixels on each side; the offsets are uniform whole numbers from
            -padding to padding. Default: 4.
        fill_value: float in [0, 255], the value of the padding. Default: 0.
        fill_mode: "constant" (pad with `fill_value`) or "reflect" (pad with the image, mirrored at
            its outermost pixels). Default: "constant".
        seed: int or None, seed of the draws. None: a random seed. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name`. A `dtype` must be float32.

    Call arguments:
        images: tensor `(B, H, W, C)` or `(H, W, C)`, uint8 or float, values 0–255.
        training: bool, whether to augment. Default: True.

    Input shape: `(B, H, W, C)` or `(H, W, C)`.

    Output shape: the input shape, float32, values 0–255. With `training=False` the values are those
        of the input.

    Raises:
        ValueError: if `padding` is not an int of at least 0, if `fill_value` is not a number from 0
            to 255, if `fill_mode` is unknown, or if an image that is to be mirrored is not larger
            than the padding.
    """

    def __init__(
        self,
        padding: int = 4,
        fill_value: float = 0,
        seed: int | None = None,
        fill_mode: str = "constant",
        **kwargs,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        if not isinstance(padding, int) or padding < 0:
            raise ValueError(
                f"`padding` must be a non-negative integer. Received: padding={padding}"
            )
        check_fill_value(fill_value)
        if fill_mode not in FILL_MODES:
            raise ValueError(
                f"`fill_mode` must be one of {FILL_MODES}. Received: fill_mode={fill_mode!r}"
            )
        self.padding = padding
        self.fill_value = fill_value
        self.fill_mode = fill_mode

    def augment(self, images, seed):
        np = self.backend.numpy
        _, height, width, _ = images.shape
        offsets = self.backend.random.randint(
            (self.backend.shape(images)[0], 2, 1, 1), -self.padding, self.padding + 1, seed=seed
        )
        rows = offsets[:, 0] + np.reshape(np.arange(height, dtype="int32"), (1, -1, 1))
        columns = offsets[:, 1] + np.reshape(np.arange(width, dtype="int32"), (1, 1, -1))
        if self.fill_mode == "reflect":
            if min(height, width) <= self.padding:
                raise ValueError(
                    "An image must be larger than the padding that mirrors it. Received: images of "
                    f"{height}x{width} pixels, padding={self.padding}"
                )
            rows, columns = (
                size - 1 - np.abs(size - 1 - np.abs(places))
                for places, size in ((rows, height), (columns, width))
            )
        return gather_pixels(self.backend, images, rows, columns, self.fill_value)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "padding": self.padding,
            "fill_value": self.fill_value,
            "fill_mode": self.fill_mode,
        }
