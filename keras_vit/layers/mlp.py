"""The MLP of a Transformer block."""

from collections.abc import Callable

import keras

from keras_vit.layers.activations import with_lean_gradient
from keras_vit.layers.composite import CompositeLayer, child_seed
from keras_vit.layers.dense import Dense


@keras.saving.register_keras_serializable(package="keras_vit")
class MLP(CompositeLayer):
    """The two Dense layers of a Transformer block, with an activation between them.

    Source: the ViT paper, arXiv 2010.11929, section 3.1.

    Args:
        hidden_dim: int, width between the two Dense layers.
        dropout: float in [0, 1], share of the values set to zero after each Dense layer. Default:
            0.0.
        activation: str or function, applied between the two layers; "gelu" is the exact GELU.
            Default: "gelu".
        seed: int or None, seed of the dropout. None: a random seed. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        x: float tensor `(B, T, D)`.
        training: bool or None, whether to apply the dropout. Default: None.

    Input shape: `(B, T, D)`.

    Output shape: `(B, T, D)`.
    """

    def __init__(
        self,
        hidden_dim: int,
        dropout: float = 0.0,
        activation: str | Callable = "gelu",
        seed: int | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.hidden_dim = hidden_dim
        self.dropout = dropout
        self.activation = keras.activations.get(activation)
        self.seed = seed
        self.dense_1 = Dense(
            hidden_dim,
            activation=with_lean_gradient(self.activation),
            dtype=self.dtype_policy,
            name="dense_1",
        )
        self.drop_1, self.drop_2 = (
            keras.layers.Dropout(
                dropout, seed=child_seed(seed, i), dtype=self.dtype_policy, name=f"drop_{i}"
            )
            for i in (1, 2)
        )

    def build(self, input_shape: tuple) -> None:
        self.dense_1.build(input_shape)
        self.dense_2 = Dense(input_shape[-1], dtype=self.dtype_policy, name="dense_2")
        self.dense_2.build((*input_shape[:-1], self.hidden_dim))

    def call(self, x, training: bool | None = None):
        x = self.drop_1(self.dense_1(x), training=training)
        return self.drop_2(self.dense_2(x), training=training)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "dropout": self.dropout,
            "activation": keras.activations.serialize(self.activation),
            "seed": self.seed,
        }
