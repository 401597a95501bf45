"""The decoder of a masked autoencoder."""

import keras
from keras import ops

from keras_vit.layers.composite import CompositeLayer
from keras_vit.layers.layer_norm import LayerNormalization
from keras_vit.layers.positions import sincos_2d
from keras_vit.layers.random_masking import take_tokens
from keras_vit.layers.transformer_block import TransformerBlock


@keras.saving.register_keras_serializable(package="keras_vit")
class MaskedDecoder(CompositeLayer):
    """Predict the pixels of every patch from the tokens of the visible patches.

    The decoder of a masked autoencoder (MAE, arXiv 2111.06377, section 3): a projection to the
    decoder's own width, one learned token in the place of each hidden patch, fixed sine and cosine
    positions over the grid, Transformer blocks, and a projection to pixels.

    Args:
        patch_dim: int, number of values in a patch: height * width * channels.
        grid: pair of ints, (rows, columns) of patches.
        num_prefix_tokens: int, number of class and register tokens in front of the visible patches.
            Default: 0.
        hidden_dim: int, width of the decoder's tokens; a multiple of 4 and at least 8. The MLPs are
            four times as wide. Default: 128.
        depth: int, number of Transformer blocks. Default: 2.
        num_heads: int, number of attention heads; must divide `hidden_dim`. Default: 4.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        visible: float tensor `(B, num_prefix_tokens + K, D)`, the encoder's output for the prefix
            tokens and K visible patches.
        restore: int tensor `(B, N)`, as `RandomMasking` returns it.
        training: bool or None, passed to the blocks. Default: None.

    Output shape: `(B, N, patch_dim)`, float32 under any dtype policy, in the order of the patches.

    Raises:
        ValueError: if 4 or `num_heads` does not divide `hidden_dim`, or if `hidden_dim` is less
            than 8.
    """

    def __init__(
        self,
        patch_dim: int,
        grid: tuple[int, int],
        num_prefix_tokens: int = 0,
        hidden_dim: int = 128,
        depth: int = 2,
        num_heads: int = 4,
        **kwargs,
    ) -> None:
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

    def build(self, visible_shape: tuple, restore_shape: tuple) -> None:
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

    def call(self, visible, restore, training: bool | None = None):
        x = self.embedding(visible)
        prefix, patches = x[:, : self.num_prefix_tokens], x[:, self.num_prefix_tokens :]
        num_hidden = len(self._positions) - patches.shape[1]
        mask_tokens = ops.broadcast_to(
            ops.cast(self.mask_token, x.dtype), (ops.shape(x)[0], num_hidden, self.hidden_dim)
        )
        patches = take_tokens(ops.concatenate([patches, mask_tokens], axis=1), restore)
        patches = patches + ops.cast(self._positions, x.dtype)
        x = ops.concatenate([prefix, patches], axis=1)
        for block in self.blocks:
            x = block(x, training=training)
        return self.prediction(self.norm(x)[:, self.num_prefix_tokens :])

    def compute_output_shape(self, visible_shape: tuple, restore_shape: tuple) -> tuple:
        return (visible_shape[0], self.grid[0] * self.grid[1], self.patch_dim)

    def compute_output_spec(
        self, visible, restore, training: bool | None = None
    ) -> keras.KerasTensor:
        shape = self.compute_output_shape(visible.shape, restore.shape)
        return keras.KerasTensor(shape, dtype="float32")

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "patch_dim": self.patch_dim,
            "grid": self.grid,
            "num_prefix_tokens": self.num_prefix_tokens,
            "hidden_dim": self.hidden_dim,
            "depth": self.depth,
            "num_heads": self.num_heads,
        }
