import keras
import numpy as np
from keras import ops

from keras_vit.layers.composite import CompositeLayer
from keras_vit.layers.dense import Dense
from keras_vit.layers.positions import checked_grid, sincos_1d, sincos_2d

POSITIONS = ("learned", "sincos1d", "sincos2d", None)


@keras.saving.register_keras_serializable(package="keras_vit")
class PatchEncoder(CompositeLayer):
    """Turns patches into tokens: projection, class token, positions, registers.

    Equation 1 of the ViT paper (arXiv 2010.11929). The class token is at index 0 and has a
    position of its own; register tokens (arXiv 2309.16588) follow it and have none.

    Args:
        projection_dim: width of the tokens; None leaves out the projection, for patches that
            have their width already (out of a convolution).
        class_token: whether to put a learned token in front.
        positions: "learned"; "sincos1d", the Transformer paper's, over the class token and the
            patches as one sequence; "sincos2d", over the grid, nothing for the class token; or
            None. The fixed ones are no weights.
        grid: (rows, columns) of the patches. None means a square one; it matters to "sincos2d"
            alone.
        num_registers: number of register tokens.
        dropout: share of the values dropped at the end, 0 to 1.
        class_token_initializer: Keras's name or an initializer.
        positions_initializer: of learned positions, likewise; None is normal with deviation 0.02.
        seed: of the dropout.

    Input shape: `(B, N, P)`.

    Output shape: `(B, 1 + num_registers + N, projection_dim)`; without class token one less.

    Raises:
        ValueError: for an unknown kind of positions, or patches that do not fill the grid.
    """

    def __init__(
        self,
        projection_dim=None,
        class_token=True,
        positions="learned",
        grid=None,
        num_registers=0,
        dropout=0.0,
        class_token_initializer="zeros",
        positions_initializer=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if positions not in POSITIONS:
            raise ValueError(f"`positions` must be one of {POSITIONS}. Received: {positions!r}")
        if num_registers < 0:
            raise ValueError(f"`num_registers` must be 0 or more. Received: {num_registers}")
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

    def build(self, input_shape):
        num_patches, dim = input_shape[1:]
        if self.projection_dim is not None:
            self.projection.build(input_shape)
            dim = self.projection_dim
        if self.grid is not None:
            checked_grid(self.grid, num_patches)
        prefix = int(self.use_class_token)
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
                shape=(1, prefix + num_patches, dim),
                initializer=self.positions_initializer,
                name="positions",
            )
        elif self.position_kind == "sincos1d":
            self._fixed = sincos_1d(prefix + num_patches, dim)
        elif self.position_kind == "sincos2d":
            self._fixed = sincos_2d(checked_grid(self.grid, num_patches), dim)

    def call(self, patches, training=None):
        x = self.projection(patches) if self.projection_dim is not None else patches
        if self.position_kind == "sincos2d":
            x = x + ops.cast(self._fixed, x.dtype)
        if self.use_class_token:
            x = ops.concatenate([self._repeated(self.class_token, x), x], axis=1)
        if self.position_kind == "sincos1d":
            x = x + ops.cast(self._fixed, x.dtype)
        elif self.position_kind == "learned":
            x = x + ops.cast(self.positions, x.dtype)
        if self.num_registers:
            registers = self._repeated(self.registers, x)
            split = int(self.use_class_token)
            x = ops.concatenate([x[:, :split], registers, x[:, split:]], axis=1)
        return self.drop(x, training=training)

    def token_positions(self):
        """What is added to class token and patches for their places, `(T, D)`; None: nothing."""
        if self.position_kind is None:
            return None
        if self.position_kind == "learned":
            return ops.convert_to_numpy(self.positions)[0]
        if self.position_kind == "sincos2d" and self.use_class_token:
            return np.concatenate([np.zeros_like(self._fixed[:1]), self._fixed])
        return self._fixed

    def patch_positions(self):
        """What is added to the patches alone, `(N, D)`; None without positions."""
        positions = self.token_positions()
        return None if positions is None else positions[int(self.use_class_token) :]

    def _repeated(self, token, x):
        """A learned token once for each image of the batch."""
        shape = (ops.shape(x)[0], *token.shape[1:])
        return ops.broadcast_to(ops.cast(token, x.dtype), shape)

    def compute_output_shape(self, input_shape):
        batch, num_patches, dim = input_shape
        tokens = int(self.use_class_token) + self.num_registers + num_patches
        return (batch, tokens, self.projection_dim or dim)

    def get_config(self):
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
