import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class RelativePositionBias(keras.layers.Layer):
    """A learned number for each head and each offset between two patches.

    Added to the attention logits, as in Swin (arXiv 2103.14030, equation 4). Prefix tokens have
    no place: as in BEiT, three more numbers stand for prefix to patch, patch to prefix and prefix
    to prefix.

    Args:
        num_heads: number of heads.
        grid: (rows, columns) of patches.
        num_prefix_tokens: class and register tokens in front of the patches.

    Input shape: `(B, T, D)`, the tokens; only their number is looked at.

    Output shape: `(1, num_heads, T, T)`.

    Raises:
        ValueError: where the tokens are not those of the grid and its prefix.
    """

    def __init__(self, num_heads, grid, num_prefix_tokens=0, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.grid = tuple(grid)
        self.num_prefix_tokens = num_prefix_tokens
        self._index = offset_index(self.grid, num_prefix_tokens)

    def build(self, input_shape):
        if input_shape[1] != len(self._index):
            raise ValueError(
                f"A grid of {self.grid[0]}x{self.grid[1]} and {self.num_prefix_tokens} prefix "
                f"tokens make {len(self._index)} tokens. Received: {input_shape[1]}"
            )
        self.table = self.add_weight(
            shape=(int(self._index.max()) + 1, self.num_heads), initializer="zeros", name="table"
        )

    def call(self, tokens):
        length = len(self._index)
        bias = ops.take(self.table, self._index.reshape(-1), axis=0)
        bias = ops.reshape(bias, (length, length, self.num_heads))
        return ops.cast(ops.transpose(bias, (2, 0, 1))[None], self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (1, self.num_heads, input_shape[1], input_shape[1])

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "grid": self.grid,
            "num_prefix_tokens": self.num_prefix_tokens,
        }


def offset_index(grid, num_prefix_tokens):
    """Row of the table for each pair of tokens, `(T, T)` int32."""
    rows, columns = np.mgrid[: grid[0], : grid[1]].reshape(2, -1)
    down = rows[:, None] - rows + grid[0] - 1
    right = columns[:, None] - columns + grid[1] - 1
    patches = down * (2 * grid[1] - 1) + right
    offsets = (2 * grid[0] - 1) * (2 * grid[1] - 1)
    prefix = num_prefix_tokens
    index = np.full((prefix + len(rows),) * 2, offsets, "int32")
    index[prefix:, :prefix] = offsets + 1
    index[:prefix, :prefix] = offsets + 2
    index[prefix:, prefix:] = patches
    return index
