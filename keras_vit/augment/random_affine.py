"""RandomAffine: each image turned and shifted by a draw of its own."""

from numbers import Real

import keras

from keras_vit.augment.checks import check_choice, check_fill_value
from keras_vit.augment.data_layer import ImageLayer
from keras_vit.augment.geometry import warp

INTERPOLATIONS = ("nearest", "bilinear")


@keras.saving.register_keras_serializable(package="keras_vit")
class RandomAffine(ImageLayer):
    """Turns each image around its centre, then shifts it, each by a draw of its own.

    torchvision's `RandomAffine(degrees, translate)`. Keras's `RandomRotation` and
    `RandomTranslation` run TensorFlow kernels that have no XLA form.

    Args:
        degrees: A number 0–180; angles are uniform within ± degrees.
        shift: A number of pixels, 0 or more; the offsets down and across are uniform whole
            numbers within ± shift.
        fill_value: A number 0–255, for what comes from outside the image.
        interpolation: `"nearest"` or `"bilinear"`.
        seed: Integer or `None`.
        **kwargs: Keras's `name` and the like.

    Input shape:
        (B, H, W, C) or (H, W, C), uint8 or float, 0–255.

    Output shape:
        The same, float32, 0–255. With `training=False` the values are the input's.

    Raises:
        ValueError: An argument outside its range.
    """

    def __init__(
        self, degrees=0, shift=0, fill_value=0, interpolation="nearest", seed=None, **kwargs
    ):
        super().__init__(seed=seed, **kwargs)
        if not isinstance(degrees, Real) or not 0 <= degrees <= 180:
            raise ValueError(f"`degrees` must be 0 to 180. Received: degrees={degrees}")
        if not isinstance(shift, int) or shift < 0:
            raise ValueError(f"`shift` must be a non-negative integer. Received: shift={shift}")
        check_fill_value(fill_value)
        check_choice("interpolation", interpolation, INTERPOLATIONS)
        self.degrees = degrees
        self.shift = shift
        self.fill_value = fill_value
        self.interpolation = interpolation

    def augment(self, images, seed):
        random = self.backend.random
        batch = self.backend.shape(images)[0]
        angles = random.uniform((batch,), -self.degrees, self.degrees, seed=seed)
        offsets = random.randint((batch, 2), -self.shift, self.shift + 1, seed=seed)
        return self.apply(images, angles, self.backend.cast(offsets, "float32"))

    def apply(self, images, angles, offsets):
        """The part without chance.

        Args:
            images: (B, H, W, C) float32.
            angles: (B,) float32, degrees, counter-clockwise.
            offsets: (B, 2) float32, pixels down and to the right.

        Returns:
            (B, H, W, C) float32.
        """
        np = self.backend.numpy
        radians = angles * (3.141592653589793 / 180)
        cos, sin = np.cos(radians), np.sin(radians)
        down, right = offsets[:, 0], offsets[:, 1]
        # From a place in the output: first the shift back, then the turn back.
        across = -(cos * right - sin * down)
        along = -(sin * right + cos * down)
        matrix = np.stack([cos, -sin, across, sin, cos, along], axis=1)
        return warp(self.backend, images, matrix, self.interpolation, self.fill_value)

    def get_config(self):
        return {
            **super().get_config(),
            "degrees": self.degrees,
            "shift": self.shift,
            "fill_value": self.fill_value,
            "interpolation": self.interpolation,
        }
