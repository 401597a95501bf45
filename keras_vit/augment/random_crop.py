"""RandomCrop: the shift by a few pixels that CIFAR recipes train with."""

import keras

from keras_vit.augment.checks import check_fill_value
from keras_vit.augment.data_layer import ImageLayer
from keras_vit.augment.gather import gather_pixels


@keras.saving.register_keras_serializable(package="keras_vit")
class RandomCrop(ImageLayer):
    """Pads every side and crops back to the input's size, at an offset of its own per image.

    The augmentation of ResNet's CIFAR-10 experiments (He et al., arXiv 1512.03385, section
    4.2: 4 pixels padded on each side). `keras.layers.RandomCrop` is another thing: it draws one
    crop for the whole batch, and has `supports_jit = False`, with which
    `compile(jit_compile=True)` quietly trains unjitted.

    Args:
        padding: Non-negative integer, pixels on each side; offsets are -padding … padding.
        fill_value: A number 0–255, the value of the padding.
        seed: Integer or `None`.
        **kwargs: Keras's `name` and the like.

    Input shape:
        (B, H, W, C) or (H, W, C), uint8 or float, 0–255.

    Output shape:
        The same, float32, 0–255. With `training=False` the values are the input's.

    Raises:
        ValueError: A negative or broken `padding`, a `fill_value` outside 0–255.
    """

    def __init__(self, padding=4, fill_value=0, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        if not isinstance(padding, int) or padding < 0:
            raise ValueError(
                f"`padding` must be a non-negative integer. Received: padding={padding}"
            )
        check_fill_value(fill_value)
        self.padding = padding
        self.fill_value = fill_value

    def augment(self, images, seed):
        np = self.backend.numpy
        _, height, width, _ = images.shape
        offsets = self.backend.random.randint(
            (self.backend.shape(images)[0], 2, 1, 1), -self.padding, self.padding + 1, seed=seed
        )
        rows = offsets[:, 0] + np.reshape(np.arange(height, dtype="int32"), (1, -1, 1))
        columns = offsets[:, 1] + np.reshape(np.arange(width, dtype="int32"), (1, 1, -1))
        return gather_pixels(self.backend, images, rows, columns, self.fill_value)

    def get_config(self):
        return {
            **super().get_config(),
            "padding": self.padding,
            "fill_value": self.fill_value,
        }
