import keras

from keras_vit.layers.activations import with_lean_gradient
from keras_vit.layers.composite import CompositeLayer, child_seed
from keras_vit.layers.dense import Dense


@keras.saving.register_keras_serializable(package="keras_vit")
class MLP(CompositeLayer):
    """The two Dense layers of a Transformer block, with an activation between them.

    Args:
        hidden_dim: width between the two.
        dropout: share of the values dropped after each, 0 to 1.
        activation: Keras's name or a function; "gelu" is the exact one.
        seed: of the dropout.

    Input shape and output shape: `(B, T, D)`.
    """

    def __init__(self, hidden_dim, dropout=0.0, activation="gelu", seed=None, **kwargs):
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

    def build(self, input_shape):
        self.dense_1.build(input_shape)
        self.dense_2 = Dense(input_shape[-1], dtype=self.dtype_policy, name="dense_2")
        self.dense_2.build((*input_shape[:-1], self.hidden_dim))

    def call(self, x, training=None):
        x = self.drop_1(self.dense_1(x), training=training)
        return self.drop_2(self.dense_2(x), training=training)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "dropout": self.dropout,
            "activation": keras.activations.serialize(self.activation),
            "seed": self.seed,
        }
