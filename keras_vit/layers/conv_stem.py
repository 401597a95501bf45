import keras

from keras_vit.layers.composite import CompositeLayer


@keras.saving.register_keras_serializable(package="keras_vit")
class ConvStem(CompositeLayer):
    """A small convolutional stem in place of the patch projection.

    3x3 convolutions of stride 2 down to one cell a patch, the width doubling up to
    `hidden_dim`, then a 1x1 convolution ("Early Convolutions Help Transformers See Better",
    arXiv 2106.14881, section 4). LayerNorm over the channels takes the place of its batch norm,
    whose running statistics neither mixed images nor an average of the weights describe.

    Args:
        hidden_dim: width of the output.
        patch_size: pixels a side of the cell of one output; a power of two, 2 or more.
        activation: between the convolutions.

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, H / patch_size, W / patch_size, hidden_dim)`.
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
                strides=2,
                padding="same",
                use_bias=False,
                dtype=self.dtype_policy,
                name=f"conv_{i}",
            )
            for i in range(halvings)
        ]
        self.norms = [
            keras.layers.LayerNormalization(epsilon=1e-6, dtype=self.dtype_policy, name=f"norm_{i}")
            for i in range(halvings)
        ]
        self.projection = keras.layers.Conv2D(
            hidden_dim, 1, dtype=self.dtype_policy, name="projection"
        )

    def build(self, input_shape):
        shape = input_shape
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
            norm.build(shape)
        self.projection.build(shape)

    def call(self, x):
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = self.activation(norm(convolution(x)))
        return self.projection(x)

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
