"""A stage of a convolutional front: convolutions, pooling and batch normalisation."""

from collections.abc import Callable

import keras

from keras_vit.layers.activations import with_lean_gradient
from keras_vit.layers.batch_norm import BatchNormalization
from keras_vit.layers.composite import CompositeLayer
from keras_vit.layers.identity_start import IdentityStart
from keras_vit.layers.max_pool import max_pool_pairs


@keras.saving.register_keras_serializable(package="keras_vit")
class ConvGroup(CompositeLayer):
    """A row of 3×3 convolutions, each followed by batch normalisation and an activation.

    The first convolution is followed by a max-pooling of 2×2 pixels. The convolutions have no bias
    and begin as the identity (`IdentityStart`); the normalisation has an offset and no scale.
    Source: Keller Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (arXiv 2404.00498,
    appendix A).

    Args:
        filters: int, number of channels of the output.
        convolutions: int, number of convolutions. Default: 2.
        pool: bool, whether the image is halved. Default: True.
        activation: str or function, the activation. Default: "gelu", the exact form.
        momentum: float in [0, 1), the share of the moving statistics that stays at each step.
            Default: 0.6.
        epsilon: float, added to the variance. Default: 1e-5.
        seed: int or None, seed of the first weights. None: a random seed. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        x: float tensor `(B, H, W, C)`.
        training: bool or None, whether to normalise by the batch's own statistics. Default: None.

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, ⌊H / 2⌋, ⌊W / 2⌋, filters)`, or `(B, H, W, filters)` without `pool`.

    Raises:
        ValueError: if `convolutions` is less than 1.
    """

    def __init__(
        self,
        filters: int,
        convolutions: int = 2,
        pool: bool = True,
        activation: str | Callable = "gelu",
        momentum: float = 0.6,
        epsilon: float = 1e-5,
        seed: int | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if convolutions < 1:
            raise ValueError(
                f"`convolutions` must be at least 1. Received: convolutions={convolutions}"
            )
        self.filters = filters
        self.pool = pool
        self.activation = keras.activations.get(activation)
        self.momentum = momentum
        self.epsilon = epsilon
        self.seed = seed
        self.convolutions = [
            keras.layers.Conv2D(
                filters,
                3,
                padding="same",
                use_bias=False,
                kernel_initializer=IdentityStart(seed=None if seed is None else seed + i),
                dtype=self.dtype_policy,
                name=f"conv_{i}",
            )
            for i in range(convolutions)
        ]
        self.norms = [
            BatchNormalization(
                momentum=momentum,
                epsilon=epsilon,
                scale=False,
                dtype=self.dtype_policy,
                name=f"norm_{i}",
            )
            for i in range(convolutions)
        ]

    def build(self, input_shape: tuple) -> None:
        shape = input_shape
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            convolution.build(shape)
            shape = self.compute_output_shape(input_shape)
            norm.build(shape)

    def call(self, x, training: bool | None = None):
        activation = with_lean_gradient(self.activation)
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            x = convolution(x)
            if self.pool and i == 0:
                x = max_pool_pairs(x)
            x = activation(norm(x, training=training))
        return x

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, height, width, _ = input_shape
        step = 2 if self.pool else 1
        return (batch, height // step, width // step, self.filters)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "filters": self.filters,
            "convolutions": len(self.convolutions),
            "pool": self.pool,
            "activation": keras.activations.serialize(self.activation),
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "seed": self.seed,
        }
