"""The convolutional stem, which turns an image into tokens by a few small convolutions."""

from collections.abc import Callable

import keras

from keras_vit.layers.activations import with_lean_gradient
from keras_vit.layers.composite import CompositeLayer
from keras_vit.layers.layer_norm import LayerNormalization
from keras_vit.layers.max_pool import max_pool
from keras_vit.layers.patches import patch_grid


@keras.saving.register_keras_serializable(package="keras_vit")
class ConvStem(CompositeLayer):
    """A small convolutional stem, which takes the place of the patch projection.

    The stem is a row of 3×3 convolutions, each followed by LayerNorm over the channels and by an
    activation. The number of channels doubles from one convolution to the next, up to `hidden_dim`.
    All convolutions but the last halve the image ("Early Convolutions Help Transformers See
    Better", arXiv 2106.14881, section 4). A max-pooling follows the last one (Compact Convolutional
    Transformer, arXiv 2104.05704, section 3.3).

    The two papers use batch normalisation or no normalisation. This layer uses LayerNorm, because
    the running statistics of batch normalisation fit neither mixed images (mixup, CutMix) nor
    averaged weights.

    Args:
        hidden_dim: int, number of channels of the output.
        patch_size: int, side in pixels of the square that one output position stands for; a power
            of two, at least 2.
        activation: str or function, the activation after each convolution. Default: "gelu", the
            exact form.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        x: float tensor `(B, H, W, C)`.

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, H / patch_size, W / patch_size, hidden_dim)`.

    Raises:
        ValueError: if `patch_size` is not a power of two or is less than 2, or if it does not
            divide the image's height and width.
    """

    def __init__(
        self,
        hidden_dim: int,
        patch_size: int,
        activation: str | Callable = "gelu",
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        halvings = patch_size.bit_length() - 1
        if patch_size < 2 or 2**halvings != patch_size:
            raise ValueError(
                "`patch_size` of a convolutional stem must be a power of two and at least 2. "
                f"Received: patch_size={patch_size}"
            )
        self.hidden_dim = hidden_dim
        self.patch_size = patch_size
        self.activation = keras.activations.get(activation)
        self.convolutions = [
            keras.layers.Conv2D(
                max(1, hidden_dim >> (halvings - 1 - i)),
                3,
                strides=2 if i < halvings - 1 else 1,
                padding="same",
                use_bias=False,
                dtype=self.dtype_policy,
                name=f"conv_{i}",
            )
            for i in range(halvings)
        ]
        self.norms = [
            LayerNormalization(epsilon=1e-6, dtype=self.dtype_policy, name=f"norm_{i}")
            for i in range(halvings)
        ]

    def build(self, input_shape: tuple) -> None:
        patch_grid(input_shape[1:3], (self.patch_size,) * 2)
        shape = input_shape
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
            norm.build(shape)

    def call(self, x):
        activation = with_lean_gradient(self.activation)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = activation(norm(convolution(x)))
        return max_pool(x)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, height, width, _ = input_shape
        return (batch, height // self.patch_size, width // self.patch_size, self.hidden_dim)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "patch_size": self.patch_size,
            "activation": keras.activations.serialize(self.activation),
        }
