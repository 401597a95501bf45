"""Attention among the features of a single vector, and the Transformer block around it."""

import keras
from keras import ops

from keras_vit.layers import MLP, LayerNormalization
from keras_vit.layers.composite import CompositeLayer, child_seed
from keras_vit.reproductions.hashed_dropout import HashedDropout


@keras.saving.register_keras_serializable(package="keras_vit")
class FeatureAttention(CompositeLayer):
    """Attention among the scalar features inside each head of a single vector.

    A Transformer attends among the tokens of a sequence; here there is one vector and no sequence.
    In a head, feature i has a query q_i, and each feature j has a key k_j. All of them are scalars.
    The weights of feature i over the features j are softmax_j(q_i k_j / √D): an outer product of
    scalars, where a Transformer has scalar products of vectors. Source: github.com/DFin/ViT.

    Args:
        num_heads: int, number of heads; must divide D, the width of the vector.
        dropout: float in [0, 1), share of the attention weights, and of the output, set to zero.
            Default: 0.0.
        seed: int or None, seed of the dropout. None: a random seed. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        x: float tensor `(B, D)`, from which the queries come.
        memory: float tensor `(B, D)`, from which the keys and values come, or None for `x`.
            Default: None.
        training: bool or None, whether to apply the dropout. Default: None.

    Input shape: `(B, D)`.

    Output shape: `(B, D)`.

    Raises:
        ValueError: if `num_heads` does not divide D.
    """

    def __init__(
        self, num_heads: int, dropout: float = 0.0, seed: int | None = None, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.dropout = dropout
        self.seed = seed
        shared = {"dtype": self.dtype_policy}
        self.drop_weights = HashedDropout(
            dropout, seed=child_seed(seed, 1), name="drop_weights", **shared
        )
        self.drop = keras.layers.Dropout(dropout, seed=child_seed(seed, 2), name="drop", **shared)

    def build(self, x_shape: tuple, memory_shape: tuple | None = None) -> None:
        dim = x_shape[-1]
        if dim % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the width of the vector. "
                f"Received: num_heads={self.num_heads}, width={dim}"
            )
        self.query, self.key, self.value, self.projection = (
            keras.layers.Dense(
                dim, use_bias=name == "projection", dtype=self.dtype_policy, name=name
            )
            for name in ("query", "key", "value", "projection")
        )
        for part in (self.query, self.key, self.value, self.projection):
            part.build(x_shape)

    def call(self, x, memory=None, training: bool | None = None):
        memory = x if memory is None else memory
        heads = (-1, self.num_heads, x.shape[-1] // self.num_heads)
        query = ops.reshape(self.query(x), heads)
        key, value = (ops.reshape(part(memory), heads) for part in (self.key, self.value))
        query = query * x.shape[-1] ** -0.5
        # For one i, the score q_i k_j is largest at the smallest or at the largest key. That score
        # is subtracted, so that no exponential exceeds 1.
        low, high = ops.min(key, axis=-1, keepdims=True), ops.max(key, axis=-1, keepdims=True)
        largest = ops.stop_gradient(ops.maximum(query * low, query * high))
        e = ops.exp(query[..., :, None] * key[..., None, :] - largest[..., None])
        # Division after the sum over j needs one division for a feature, not one for each weight.
        dropped = self.drop_weights(e, training=training)
        y = ops.squeeze(ops.matmul(dropped, value[..., None]), -1) / ops.sum(e, axis=-1)
        return self.drop(self.projection(ops.reshape(y, (-1, x.shape[-1]))), training=training)

    def compute_output_shape(self, x_shape: tuple, memory_shape: tuple | None = None) -> tuple:
        return x_shape

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(package="keras_vit")
class FlatBlock(CompositeLayer):
    """A pre-norm Transformer block of `FeatureAttention` and an MLP, both with a residual.

    The MLP is four times as wide as the vector. With `memory`, the attention is a cross-attention,
    and the memory has a norm of its own. Source: github.com/DFin/ViT.

    Args:
        num_heads: int, number of attention heads; must divide D, the width of the vector.
        dropout: float in [0, 1), dropout of the attention. Default: 0.1.
        seed: int or None, seed of the dropout. None: a random seed. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        x: float tensor `(B, D)`.
        memory: float tensor `(B, D)`, from which the keys and values come, or None for `x`.
            Default: None.
        training: bool or None, whether to apply the dropout. Default: None.

    Input shape: `(B, D)`.

    Output shape: `(B, D)`.
    """

    def __init__(
        self, num_heads: int, dropout: float = 0.1, seed: int | None = None, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        shared = {"dtype": self.dtype_policy}
        # PyTorch's LayerNorm adds 1e-5 by default.
        self.norm_1, self.norm_2 = (
            LayerNormalization(epsilon=1e-5, name=f"norm_{i}", **shared) for i in (1, 2)
        )
        self.attention = FeatureAttention(num_heads, dropout, seed=seed, name="attention", **shared)

    def build(self, x_shape: tuple, memory_shape: tuple | None = None) -> None:
        shared = {"dtype": self.dtype_policy}
        self.mlp = MLP(4 * x_shape[-1], name="mlp", **shared)
        if memory_shape is not None:
            self.norm_memory = LayerNormalization(epsilon=1e-5, name="norm_memory", **shared)
            self.norm_memory.build(memory_shape)
        for part in (self.norm_1, self.attention, self.norm_2, self.mlp):
            part.build(x_shape)

    def call(self, x, memory=None, training: bool | None = None):
        if memory is not None:
            memory = self.norm_memory(memory)
        x = x + self.attention(self.norm_1(x), memory, training=training)
        return x + self.mlp(self.norm_2(x))

    def compute_output_shape(self, x_shape: tuple, memory_shape: tuple | None = None) -> tuple:
        return x_shape

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_heads": self.attention.num_heads,
            "dropout": self.attention.dropout,
            "seed": self.seed,
        }
