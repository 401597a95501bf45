"""The step from patches to tokens: projection, class token, positions and registers."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_vit.layers.composite import CompositeLayer
from keras_vit.layers.dense import Dense
from keras_vit.layers.positions import checked_grid, sincos_1d, sincos_2d

POSITIONS = ("learned", "sincos1d", "sincos2d", None)


@keras.saving.register_keras_serializable(package="keras_vit")
class PatchEncoder(CompositeLayer):
    """Turn patches into tokens: projection, class token, positions, register tokens.

    Source: equation 1 of the ViT paper (arXiv 2010.11929). The class token is at index 0 and has a
    position of its own. The register tokens (arXiv 2309.16588) follow it and have no position.

    Args:
        projection_dim: int or None, width D of the tokens. None leaves the projection out, for
            patches that have the width D already, such as those from a convolution. Default: None.
        class_token: bool, whether to put a learned token in front. Default: True.
        positions: "learned", "sincos1d", "sincos2d" or None. "sincos1d" is the fixed embedding of
            the Transformer paper, over the class token and the patches as one sequence. "sincos2d"
            is a fixed embedding over the grid, and adds nothing to the class token. None adds no
            positions. Only the learned positions are weights. Default: "learned".
        grid: pair of ints or None, (rows, columns) of the patches. None means a square grid; it
            must be one only where `positions` is "sincos2d". Default: None.
        num_registers: int, number of register tokens. Default: 0.
        dropout: float in [0, 1], share of the tokens' values set to zero at the end. Default: 0.0.
        class_token_initializer: str, function or Keras initializer of the class token. Default:
            "zeros".
        positions_initializer: str, function or Keras initializer of the learned positions. None: a
            normal distribution with standard deviation 0.02. Default: None.
        seed: int or None, seed of the dropout. None: a random seed. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        patches: float tensor `(B, N, P)`.
        training: bool or None, whether to apply the dropout. Default: None.

    Input shape: `(B, N, P)`.

    Output shape: `(B, 1 + num_registers + N, projection_dim)`; one token less without a class
        token, and P instead of `projection_dim` without a projection.

    Raises:
        ValueError: if `positions` is unknown, if `num_registers` is negative, if the patches do not
            fill the grid, or if fixed positions do not fit the width.
    """

    def __init__(
        self,
        projection_dim: int | None = None,
        class_token: bool = True,
        positions: str | None = "learned",
        grid: tuple[int, int] | None = None,
        num_registers: int = 0,
        dropout: float = 0.0,
        class_token_initializer: str | Callable = "zeros",
        positions_initializer: str | Callable | None = None,
        seed: int | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if positions not in POSITIONS:
            raise ValueError(
                f"`positions` must be one of {POSITIONS}. Received: positions={positions!r}"
            )
        if num_registers < 0:
            raise ValueError(
                f"`num_registers` must be 0 or more. Received: num_registers={num_registers}"
            )
        self.projection_dim = projection_dim
        self.use_class_token = class_token
        self.position_kind = positions
        self.grid = None if grid is None else tuple(grid)
        self.num_registers = num_registers
        self.dropout = dropout
        self.class_token_initializer = keras.initializers.get(class_token_initializer)
        self.positions_initializer = keras.initializers.get(
            positions_initializer or keras.initializers.RandomNormal(stddev=0.02)
        )
        self.seed = seed
        if projection_dim is not None:
            self.projection = Dense(projection_dim, dtype=self.dtype_policy, name="projection")
        self.drop = keras.layers.Dropout(dropout, seed=seed, dtype=self.dtype_policy, name="drop")

    def build(self, input_shape: tuple) -> None:
        num_patches, dim = input_shape[1:]
        if self.projection_dim is not None:
            self.projection.build(input_shape)
            dim = self.projection_dim
        if self.grid is not None:
            checked_grid(self.grid, num_patches)
        num_class_tokens = int(self.use_class_token)
        if self.use_class_token:
            self.class_token = self.add_weight(
                shape=(1, 1, dim), initializer=self.class_token_initializer, name="class_token"
            )
        if self.num_registers:
            self.registers = self.add_weight(
                shape=(1, self.num_registers, dim),
                initializer=keras.initializers.RandomNormal(stddev=0.02),
                name="registers",
            )
        if self.position_kind == "learned":
            self.positions = self.add_weight(
                shape=(1, num_class_tokens + num_patches, dim),
                initializer=self.positions_initializer,
                name="positions",
            )
        elif self.position_kind == "sincos1d":
            self._fixed_positions = sincos_1d(num_class_tokens + num_patches, dim)
        elif self.position_kind == "sincos2d":
            self._fixed_positions = sincos_2d(checked_grid(self.grid, num_patches), dim)

    def call(self, patches, training: bool | None = None):
        x = self.projection(patches) if self.projection_dim is not None else patches
        if self.position_kind == "sincos2d":
            x = x + ops.cast(self._fixed_positions, x.dtype)
        if self.use_class_token:
            x = ops.concatenate([self._repeat_for_batch(self.class_token, x), x], axis=1)
        if self.position_kind == "sincos1d":
            x = x + ops.cast(self._fixed_positions, x.dtype)
        elif self.position_kind == "learned":
            x = x + ops.cast(self.positions, x.dtype)
        if self.num_registers:
            registers = self._repeat_for_batch(self.registers, x)
            first_patch = int(self.use_class_token)
            x = ops.concatenate([x[:, :first_patch], registers, x[:, first_patch:]], axis=1)
        return self.drop(x, training=training)

    def token_positions(self) -> np.ndarray | None:
        """Return the position embeddings of the class token and the patches.

        Returns:
            Float array `(T, D)`, T counting the class token (if there is one) and the patches; zero
            for the class token where `positions` is "sincos2d". None without positions.
        """
        if self.position_kind is None:
            return None
        if self.position_kind == "learned":
            return ops.convert_to_numpy(self.positions)[0]
        if self.position_kind == "sincos2d" and self.use_class_token:
            return np.concatenate([np.zeros_like(self._fixed_positions[:1]), self._fixed_positions])
        return self._fixed_positions

    def patch_positions(self) -> np.ndarray | None:
        """Return the position embeddings of the patches alone.

        Returns:
            Float array `(N, D)`. None without positions.
        """
        positions = self.token_positions()
        return None if positions is None else positions[int(self.use_class_token) :]

    def _repeat_for_batch(self, token, x):
        """Repeat a learned token for each image of the batch `x`."""
        shape = (ops.shape(x)[0], *token.shape[1:])
        return ops.broadcast_to(ops.cast(token, x.dtype), shape)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, num_patches, dim = input_shape
        tokens = int(self.use_class_token) + self.num_registers + num_patches
        return (batch, tokens, self.projection_dim or dim)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "projection_dim": self.projection_dim,
            "class_token": self.use_class_token,
            "positions": self.position_kind,
            "grid": self.grid,
            "num_registers": self.num_registers,
            "dropout": self.dropout,
            "class_token_initializer": keras.initializers.serialize(self.class_token_initializer),
            "positions_initializer": keras.initializers.serialize(self.positions_initializer),
            "seed": self.seed,
        }
