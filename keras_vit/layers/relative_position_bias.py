"""A learned attention bias for each offset between two patches."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class RelativePositionBias(keras.layers.Layer):
    """A learned bias of the attention logits for each head and each offset between two patches.

    The bias is added to the logits, as in Swin (arXiv 2103.14030, equation 4). Prefix tokens have
    no place in the grid. As in BEiT (arXiv 2106.08254), each head has three more numbers, for the
    pairs prefix to patch, patch to prefix and prefix to prefix.

    Args:
        num_heads: int, number of attention heads.
        grid: pair of ints, (rows, columns) of patches.
        num_prefix_tokens: int, number of class and register tokens in front of the patches.
            Default: 0.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        tokens: tensor `(B, T, D)`; the layer reads only its shape.

    Input shape: `(B, T, D)`.

    Output shape: `(1, num_heads, T, T)`.

    Raises:
        ValueError: if T is not the number of patches in the grid and of prefix tokens.
    """

    def __init__(
        self, num_heads: int, grid: tuple[int, int], num_prefix_tokens: int = 0, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.grid = tuple(grid)
        self.num_prefix_tokens = num_prefix_tokens
        self._index = offset_index(self.grid, num_prefix_tokens)

    def build(self, input_shape: tuple) -> None:
        if input_shape[1] != len(self._index):
            raise ValueError(
                f"A grid of {self.grid[0]}x{self.grid[1]} patches and {self.num_prefix_tokens} "
                f"prefix tokens make {len(self._index)} tokens. "
                f"Received: {input_shape[1]} tokens, grid={self.grid}, "
                f"num_prefix_tokens={self.num_prefix_tokens}"
            )
        self.table = self.add_weight(
            shape=(int(self._index.max()) + 1, self.num_heads), initializer="zeros", name="table"
        )

    def call(self, tokens):
        length = len(self._index)
        bias = ops.take(self.table, self._index.reshape(-1), axis=0)
        bias = ops.reshape(bias, (length, length, self.num_heads))
        return ops.cast(ops.transpose(bias, (2, 0, 1))[None], self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (1, self.num_heads, input_shape[1], input_shape[1])

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "grid": self.grid,
            "num_prefix_tokens": self.num_prefix_tokens,
        }


def offset_index(grid: tuple[int, int], num_prefix_tokens: int) -> np.ndarray:
    """Return the row of the bias table for each pair of tokens.

    Args:
        grid: pair of ints, (rows, columns) of patches.
        num_prefix_tokens: int, number of tokens in front of the patches.

    Returns:
        Array `(T, T)` int32, queries in rows and keys in columns.
    """
    rows, columns = np.mgrid[: grid[0], : grid[1]].reshape(2, -1)
    down = rows[:, None] - rows + grid[0] - 1
    right = columns[:, None] - columns + grid[1] - 1
    patches = down * (2 * grid[1] - 1) + right
    num_offsets = (2 * grid[0] - 1) * (2 * grid[1] - 1)
    prefix = num_prefix_tokens
    index = np.full((prefix + len(rows),) * 2, num_offsets, "int32")
    index[prefix:, :prefix] = num_offsets + 1
    index[:prefix, :prefix] = num_offsets + 2
    index[prefix:, prefix:] = patches
    return index
