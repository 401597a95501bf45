import keras

from keras_vit.layers.activations import with_lean_gradient
from keras_vit.layers.composite import CompositeLayer
from keras_vit.layers.layer_norm import LayerNormalization
from keras_vit.layers.max_pool import max_pool
from keras_vit.layers.patches import patch_grid


@keras.saving.register_keras_serializable(package="keras_vit")
class ConvStem(CompositeLayer):
    """A small convolutional stem in place of the patch projection.

    3x3 convolutions, each with LayerNorm over its channels and an activation, the width doubling
    up to `hidden_dim`; all but the last halve the image ("Early Convolutions Help Transformers
    See Better", arXiv 2106.14881, section 4), the last is followed by max-pooling (as in the
    Compact Convolutional Transformer, arXiv 2104.05704, section 3.3). LayerNorm stands where they
    have batch norm or nothing: running statistics fit neither mixed images nor averaged weights.

    Args:
        hidden_dim: width of the output.
        patch_size: pixels a side of the cell of one output; a power of two, 2 or more.
        activation: after each convolution.

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, H / patch_size, W / patch_size, hidden_dim)`.

    Raises:
        ValueError: for another patch size, or one that does not divide the image.
    """

    def __init__(self, hidden_dim, patch_size, activation="gelu", **kwargs):
        super().__init__(**kwargs)
        halvings = patch_size.bit_length() - 1
        if patch_size < 2 or 2**halvings != patch_size:
            raise ValueError(
                "A convolutional stem needs a patch size that is a power of two, 2 or more. "
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

    def build(self, input_shape):
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

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, height // self.patch_size, width // self.patch_size, self.hidden_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "patch_size": self.patch_size,
            "activation": keras.activations.serialize(self.activation),
        }
