"""The light half of a masked autoencoder."""

import keras
from keras import ops

from keras_vit.layers.composite import CompositeLayer
from keras_vit.layers.layer_norm import LayerNormalization
from keras_vit.layers.positions import sincos_2d
from keras_vit.layers.random_masking import take_tokens
from keras_vit.layers.transformer_block import TransformerBlock


@keras.saving.register_keras_serializable(package="keras_vit")
class MaskedDecoder(CompositeLayer):
    """Predicts every patch's pixels from the tokens of those that were visible.

    MAE's decoder (arXiv 2111.06377, section 3): a projection to its own width, one learned token
    in the place of each hidden patch, fixed sine and cosine positions over the grid, Transformer
    blocks and a projection to pixels.

    Args:
        patch_dim: values of a patch, height * width * channels.
        grid: (rows, columns) of patches.
        num_prefix_tokens: class and register tokens in front of the visible patches.
        hidden_dim: width of the tokens, a multiple of 4; the MLPs have four times that.
        depth: number of blocks.
        num_heads: of the attention; must divide `hidden_dim`.

    Call arguments:
        visible: `(B, num_prefix_tokens + K, D)`, the encoder's output.
        restore: `(B, N)` int, as `RandomMasking` gives it.

    Output shape: `(B, N, patch_dim)` float32 under any policy, in the order of the patches.

    Raises:
        ValueError: for a width that 4 or the heads do not divide.
    """

    def __init__(
        self,
        patch_dim,
        grid,
        num_prefix_tokens=0,
        hidden_dim=128,
        depth=2,
        num_heads=4,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.patch_dim = patch_dim
        self.grid = tuple(grid)
        self.num_prefix_tokens = num_prefix_tokens
        self.hidden_dim = hidden_dim
        self.depth = depth
        self.num_heads = num_heads
        policy = {"dtype": self.dtype_policy}
        self._positions = sincos_2d(self.grid, hidden_dim)
        self.embedding = keras.layers.Dense(hidden_dim, name="embedding", **policy)
        self.blocks = [
            TransformerBlock(num_heads, 4 * hidden_dim, name=f"block_{i}", **policy)
            for i in range(depth)
        ]
        self.norm = LayerNormalization(epsilon=1e-6, name="norm", **policy)
        self.prediction = keras.layers.Dense(patch_dim, dtype="float32", name="prediction")

    def build(self, visible_shape, restore_shape):
        tokens = self.num_prefix_tokens + self.grid[0] * self.grid[1]
        shape = (visible_shape[0], tokens, self.hidden_dim)
        self.embedding.build(visible_shape)
        self.mask_token = self.add_weight(
            shape=(1, 1, self.hidden_dim),
            initializer=keras.initializers.RandomNormal(stddev=0.02),
            name="mask_token",
        )
        for part in (*self.blocks, self.norm, self.prediction):
            part.build(shape)

    def call(self, visible, restore, training=None):
        x = self.embedding(visible)
        prefix, patches = x[:, : self.num_prefix_tokens], x[:, self.num_prefix_tokens :]
        hidden = (ops.shape(x)[0], len(self._positions) - patches.shape[1], self.hidden_dim)
        masks = ops.broadcast_to(ops.cast(self.mask_token, x.dtype), hidden)
        patches = take_tokens(ops.concatenate([patches, masks], axis=1), restore)
        patches = patches + ops.cast(self._positions, x.dtype)
        x = ops.concatenate([prefix, patches], axis=1)
        for block in self.blocks:
            x = block(x, training=training)
        return self.prediction(self.norm(x)[:, self.num_prefix_tokens :])

    def compute_output_shape(self, visible_shape, restore_shape):
        return (visible_shape[0], self.grid[0] * self.grid[1], self.patch_dim)

    def compute_output_spec(self, visible, restore, training=None):
        shape = self.compute_output_shape(visible.shape, restore.shape)
        return keras.KerasTensor(shape, dtype="float32")

    def get_config(self):
        return {
            **super().get_config(),
            "patch_dim": self.patch_dim,
            "grid": self.grid,
            "num_prefix_tokens": self.num_prefix_tokens,
            "hidden_dim": self.hidden_dim,
            "depth": self.depth,
            "num_heads": self.num_heads,
        }
