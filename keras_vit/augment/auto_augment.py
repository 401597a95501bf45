"""AutoAugment, a sub-policy of its own for each image."""

import functools

import keras
import numpy

from keras_vit.augment import operations, policies
from keras_vit.augment.checks import check_choice, check_fill_value
from keras_vit.augment.data_layer import ImageLayer


@keras.saving.register_keras_serializable(package="keras_vit")
class AutoAugment(ImageLayer):
    """AutoAugment (Cubuk et al., arXiv 1805.09501, section 3 and the CIFAR-10 policy).

    Each image draws one of the 25 sub-policies; its two operations follow in order, each with
    its own probability and, where it has a direction, its own sign. (`keras.layers.RandAugment`
    draws the operation once a batch.) Written with gathers and arithmetic, so that it compiles
    on every backend.

    Operations round as they do on uint8 images, pixel by pixel as torchvision's do, and so
    values that are not whole are rounded first, in training.

    Args:
        policy: `"cifar10"`.
        levels: Whose reading of the levels 0–9. `"torchvision"`, or `"omihub777"`: the
            ViT-CIFAR repository's, where Rotate has no sign, translations keep the half pixel
            and Solarize counts from 256. That repository fills with 128.
        fill_value: A number 0–255, the value of pixels that come from outside the image.
        interpolation: `"nearest"` or `"bilinear"`, for shears, translations and rotations.
        seed: Integer or `None`.
        **kwargs: Keras's `name` and the like.

    Input shape:
        (B, H, W, C) or (H, W, C), C = 1 or 3, uint8 or float, 0–255. With one channel, Color
        is the identity and Contrast takes the mean of that channel.

    Output shape:
        The same, float32, 0–255. With `training=False` the values are the input's.

    Raises:
        ValueError: An argument not named above, or another number of channels.
    """

    def __init__(
        self,
        policy="cifar10",
        levels="torchvision",
        fill_value=0,
        interpolation="nearest",
        seed=None,
        **kwargs,
    ):
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
        """The part without chance: given sub-policies, as the layer applies them.

        Args:
            images: (B, H, W, C).
            index: (B,) integers, the sub-policy of each image.
            apply: (B, 2) booleans, whether its first and its second operation are applied.
            sign: (B, 2) of -1 and 1; operations without a direction ignore it.

        Returns:
            (B, H, W, C) float32.
        """
        images, _ = self._as_batch(images)
        convert = self.backend.convert_to_tensor
        index, sign = convert(index, dtype="int32"), convert(sign, dtype="int32")
        return self._apply(images, index, convert(apply, dtype="bool"), sign)

    def apply_operation(self, images, name, magnitude=0.0):
        """One operation on every image of a batch, by its magnitude.

        Args:
            images: (B, H, W, C).
            name: `"ShearX"`, `"Color"`, … as in the paper's table of operations.
            magnitude: A slope for the shears, pixels for the translations, degrees
                (counter-clockwise) for Rotate, the factor less 1 for Brightness, Color,
                Contrast and Sharpness, bits kept for Posterize, the first inverted value for
                Solarize; the others ignore it.

        Returns:
            (B, H, W, C) float32.

        Raises:
            ValueError: A name that is none of the operations'.
        """
        check_choice("name", name, operations.NAMES)
        images, _ = self._as_batch(images)
        _, height, width, _ = images.shape
        rows = operations.encode([(name, magnitude)], height, width)
        index = self.backend.numpy.zeros((self.backend.shape(images)[0],), dtype="int32")
        return self._apply_rows(self._whole(images), rows, index)

    def compute_output_shape(self, input_shape):
        _check_channels(input_shape)
        return super().compute_output_shape(input_shape)

    def get_config(self):
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
        images = self._whole(images)
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

    def _whole(self, images):
        return self.backend.numpy.clip(self.backend.numpy.round(images), 0, 255)


def _probabilities(policy):
    """(25, 2) float32: the probability of each operation."""
    return numpy.array([[p for _, p, _ in pair] for pair in policies.POLICIES[policy]], "float32")


@functools.lru_cache(maxsize=8)
def _policy_rows(policy, levels, height, width):
    """Row 0 does nothing; then by sub-policy, slot and sign, the sign running fastest."""
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
            f"AutoAugment takes images of 1 or 3 channels. Received: shape={tuple(shape)}"
        )
