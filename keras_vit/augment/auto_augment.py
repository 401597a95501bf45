"""AutoAugment, with a sub-policy of its own for each image."""

import functools

import keras
import numpy

from keras_vit.augment import operations, policies
from keras_vit.augment.checks import check_choice, check_fill_value
from keras_vit.augment.data_layer import ImageLayer


@keras.saving.register_keras_serializable(package="keras_vit")
class AutoAugment(ImageLayer):
    """Change each image by a random sub-policy of AutoAugment.

    Each image draws one of the 25 sub-policies. The two operations of the sub-policy follow in
    order, each with its own probability and, where it has a direction, with its own sign.
    `keras.layers.RandAugment` draws one operation for the whole batch instead. The layer is written
    with gathers and arithmetic, so that it compiles on every backend.

    In training the operations round as they do on uint8 images, pixel by pixel as torchvision's do.
    Values that are not whole are therefore rounded first. Source: Cubuk et al., arXiv 1805.09501,
    section 3 and the CIFAR-10 policy of the appendix.

    Args:
        policy: str, name of the policy; "cifar10" is the only one. Default: "cifar10".
        levels: "torchvision" or "omihub777", whose meaning of the levels 0–9 holds. "omihub777" is
            the ViT-CIFAR repository, where Rotate has no sign, translations keep fractions of a
            pixel and Solarize counts from 256; that repository uses a `fill_value` of 128. Default:
            "torchvision".
        fill_value: float in [0, 255], the value of pixels that come from outside the image.
            Default: 0.
        interpolation: "nearest" or "bilinear", for shears, translations and rotations. Default:
            "nearest".
        seed: int or None, seed of the draws. None: a random seed. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name`. A `dtype` must be float32.

    Call arguments:
        images: tensor `(B, H, W, C)` or `(H, W, C)`, uint8 or float, values 0–255.
        training: bool, whether to augment. Default: True.

    Input shape: `(B, H, W, C)` or `(H, W, C)` with C = 1 or 3. With one channel, Color is the
        identity and Contrast uses the mean of that channel.

    Output shape: the input shape, float32, values 0–255. With `training=False` the values are those
        of the input.

    Raises:
        ValueError: if an argument is not one of the values above, or if the images have another
            number of channels.
    """

    def __init__(
        self,
        policy: str = "cifar10",
        levels: str = "torchvision",
        fill_value: float = 0,
        interpolation: str = "nearest",
        seed: int | None = None,
        **kwargs,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        check_choice("policy", policy, tuple(policies.POLICIES))
        check_choice("levels", levels, policies.LEVELS)
        check_choice("interpolation", interpolation, ("nearest", "bilinear"))
        check_fill_value(fill_value)
        self.policy = policy
        self.levels = levels
        self.fill_value = fill_value
        self.interpolation = interpolation

    def augment(self, images, seed):
        batch = self.backend.shape(images)[0]
        random = self.backend.random
        probabilities = _probabilities(self.policy)
        index = random.randint((batch,), 0, len(policies.POLICIES[self.policy]), seed=seed)
        draw = random.uniform((batch, 2), dtype="float32", seed=seed)
        sign = random.randint((batch, 2), 0, 2, seed=seed) * 2 - 1
        apply = draw < self.backend.numpy.take(probabilities, index, axis=0)
        return self._apply(images, index, apply, sign)

    def apply_policy(self, images, index, apply, sign):
        """Apply given sub-policies, as the layer applies the ones that it draws.

        Args:
            images: tensor or array `(B, H, W, C)`, values 0–255.
            index: int tensor or array `(B,)`, the sub-policy of each image.
            apply: bool tensor or array `(B, 2)`, whether to apply the first and the second
                operation.
            sign: tensor or array `(B, 2)` of -1 and 1, the signs of the two operations. Operations
                without a direction ignore it.

        Returns:
            Tensor `(B, H, W, C)` float32.

        Raises:
            ValueError: if the images have another number of channels than 1 or 3.
        """
        images, _ = self._as_batch(images)
        convert = self.backend.convert_to_tensor
        index, sign = convert(index, dtype="int32"), convert(sign, dtype="int32")
        return self._apply(images, index, convert(apply, dtype="bool"), sign)

    def apply_operation(self, images, name: str, magnitude: float = 0.0):
        """Apply one operation to every image of a batch.

        Args:
            images: tensor or array `(B, H, W, C)`, values 0–255.
            name: str, name of the operation as in the paper's table of operations: "ShearX",
                "Color", …
            magnitude: float. For the shears a slope, for the translations pixels, for Rotate
                degrees counter-clockwise, for Brightness, Color, Contrast and Sharpness the factor
                minus 1, for Posterize the number of bits to keep, for Solarize the first value to
                invert. The other operations ignore it. Default: 0.0.

        Returns:
            Tensor `(B, H, W, C)` float32.

        Raises:
            ValueError: if `name` is not the name of an operation, or if the images have another
                number of channels than 1 or 3.
        """
        check_choice("name", name, operations.NAMES)
        images, _ = self._as_batch(images)
        _, height, width, _ = images.shape
        rows = operations.encode([(name, magnitude)], height, width)
        index = self.backend.numpy.zeros((self.backend.shape(images)[0],), dtype="int32")
        return self._apply_rows(self._round(images), rows, index)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        _check_channels(input_shape)
        return super().compute_output_shape(input_shape)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "policy": self.policy,
            "levels": self.levels,
            "fill_value": self.fill_value,
            "interpolation": self.interpolation,
        }

    def _as_batch(self, images):
        images, single = super()._as_batch(images)
        _check_channels(images.shape)
        return images, single

    def _apply(self, images, index, apply, sign):
        _, height, width, _ = images.shape
        rows = _policy_rows(self.policy, self.levels, height, width)
        images = self._round(images)
        for slot in range(2):
            row = 1 + 4 * index + 2 * slot + self.backend.cast(sign[:, slot] > 0, "int32")
            row = self.backend.numpy.where(apply[:, slot], row, 0)
            images = self._apply_rows(images, rows, row)
        return images

    def _apply_rows(self, images, rows, index):
        rows = operations.take_rows(self.backend, rows, index)
        return operations.apply_rows(
            self.backend, images, rows, self.interpolation, self.fill_value
        )

    def _round(self, images):
        """Round to whole numbers 0–255, as uint8 has them."""
        return self.backend.numpy.clip(self.backend.numpy.round(images), 0, 255)


def _probabilities(policy):
    """Return the probability of each operation, an array `(25, 2)` float32."""
    return numpy.array([[p for _, p, _ in pair] for pair in policies.POLICIES[policy]], "float32")


@functools.lru_cache(maxsize=8)
def _policy_rows(policy, levels, height, width):
    """Return the table of all operations of a policy at an image size.

    Row 0 does nothing. The other rows are ordered by sub-policy, then by first or second operation,
    then by sign (-1 before 1).
    """
    pairs = [(None, 0.0)]
    for sub_policy in policies.POLICIES[policy]:
        for name, _, level in sub_policy:
            for sign in (-1, 1):
                size = policies.magnitude(name, level, sign, levels, height, width)
                pairs.append((name, size))
    return operations.encode(pairs, height, width)


def _check_channels(shape):
    if shape[-1] not in (1, 3):
        raise ValueError(
            f"AutoAugment takes images with 1 or 3 channels. Received: shape={tuple(shape)}"
        )
