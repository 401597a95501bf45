"""RandomAffine: a rotation and a shift, drawn for each image."""

from numbers import Real

import keras

from keras_vit.augment.checks import check_choice, check_fill_value
from keras_vit.augment.data_layer import ImageLayer
from keras_vit.augment.geometry import warp

INTERPOLATIONS = ("nearest", "bilinear")


@keras.saving.register_keras_serializable(package="keras_vit")
class RandomAffine(ImageLayer):
    """Rotate each image around its centre, then shift it, each by a draw of its own.

    The layer does what torchvision's `RandomAffine(degrees, translate)` does. Keras's
    `RandomRotation` and `RandomTranslation` run TensorFlow kernels that XLA cannot compile.

    Args:
        degrees: float in [0, 180]; the angles are uniform from -degrees to degrees. Default: 0.
        shift: int, at least 0, in pixels; the offsets down and to the right are uniform whole
            numbers from -shift to shift. Default: 0.
        fill_value: float in [0, 255], the value of pixels that come from outside the image.
            Default: 0.
        interpolation: "nearest" or "bilinear". Default: "nearest".
        seed: int or None, seed of the draws. None: a random seed. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name`. A `dtype` must be float32.

    Call arguments:
        images: tensor `(B, H, W, C)` or `(H, W, C)`, uint8 or float, values 0–255.
        training: bool, whether to augment. Default: True.

    Input shape: `(B, H, W, C)` or `(H, W, C)`.

    Output shape: the input shape, float32, values 0–255. With `training=False` the values are those
        of the input.

    Raises:
        ValueError: if an argument is outside its range.
    """

    def __init__(
        self,
        degrees: float = 0,
        shift: int = 0,
        fill_value: float = 0,
        interpolation: str = "nearest",
        seed: int | None = None,
        **kwargs,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        if not isinstance(degrees, Real) or not 0 <= degrees <= 180:
            raise ValueError(
                f"`degrees` must be a number from 0 to 180. Received: degrees={degrees}"
            )
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
        """Rotate and shift by given angles and offsets, as the layer does by the ones it draws.

        Args:
            images: tensor `(B, H, W, C)` float32.
            angles: tensor `(B,)` float32, degrees counter-clockwise.
            offsets: tensor `(B, 2)` float32, pixels down and to the right.

        Returns:
            Tensor `(B, H, W, C)` float32.
        """
        np = self.backend.numpy
        radians = angles * (3.141592653589793 / 180)
        cos, sin = np.cos(radians), np.sin(radians)
        down, right = offsets[:, 0], offsets[:, 1]
        # The matrix maps the output to the input, so it undoes the shift first, then the rotation.
        shift_x = -(cos * right - sin * down)
        shift_y = -(sin * right + cos * down)
        matrix = np.stack([cos, -sin, shift_x, sin, cos, shift_y], axis=1)
        return warp(self.backend, images, matrix, self.interpolation, self.fill_value)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "degrees": self.degrees,
            "shift": self.shift,
            "fill_value": self.fill_value,
            "interpolation": self.interpolation,
        }
