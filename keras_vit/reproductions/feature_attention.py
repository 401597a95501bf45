"""Attention among the features of one vector, and the block around it."""

import keras
from keras import ops

from keras_vit.layers import MLP, LayerNormalization
from keras_vit.layers.composite import CompositeLayer, child_seed
from keras_vit.reproductions.hashed_dropout import HashedDropout


@keras.saving.register_keras_serializable(package="keras_vit")
class FeatureAttention(CompositeLayer):
    """Attention among the scalar features inside each head of a single vector.

    There is no sequence. In a head, feature i asks with q_i, and its weights over the features j
    are softmax_j(q_i k_j / √D): an outer product, where a Transformer has scalar products.

    Args:
        num_heads: number of heads; must divide the width.
        dropout: share of the weights dropped, and of the output, from 0 to below 1.
        seed: of the dropout.

    Call arguments:
        x: `(B, D)`, gives the queries.
        memory: `(B, D)`, gives keys and values; None: `x` itself.
        training: whether to drop.

    Output shape: `(B, D)`.

    Raises:
        ValueError: where the heads do not divide the width.
    """

    def __init__(self, num_heads, dropout=0.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.dropout = dropout
        self.seed = seed
        shared = {"dtype": self.dtype_policy}
        self.drop_weights = HashedDropout(
            dropout, seed=child_seed(seed, 1), name="drop_weights", **shared
        )
        self.drop = keras.layers.Dropout(dropout, seed=child_seed(seed, 2), name="drop", **shared)

    def build(self, x_shape, memory_shape=None):
        dim = x_shape[-1]
        if dim % self.num_heads:
            raise ValueError(f"{self.num_heads} heads do not divide a width of {dim}.")
        self.query, self.key, self.value, self.projection = (
            keras.layers.Dense(
                dim, use_bias=name == "projection", dtype=self.dtype_policy, name=name
            )
            for name in ("query", "key", "value", "projection")
        )
        for part in (self.query, self.key, self.value, self.projection):
            part.build(x_shape)

    def call(self, x, memory=None, training=None):
        memory = x if memory is None else memory
        heads = (-1, self.num_heads, x.shape[-1] // self.num_heads)
        query = ops.reshape(self.query(x), heads)
        key, value = (ops.reshape(part(memory), heads) for part in (self.key, self.value))
        query = query * x.shape[-1] ** -0.5
        # For one i the score q_i k_j is largest at the smallest or the largest key: e is 1 at most.
        low, high = ops.min(key, axis=-1, keepdims=True), ops.max(key, axis=-1, keepdims=True)
        largest = ops.stop_gradient(ops.maximum(query * low, query * high))
        e = ops.exp(query[..., :, None] * key[..., None, :] - largest[..., None])
        # Dividing after the sum over j is one division a feature, instead of one a weight.
        dropped = self.drop_weights(e, training=training)
        y = ops.squeeze(ops.matmul(dropped, value[..., None]), -1) / ops.sum(e, axis=-1)
        return self.drop(self.projection(ops.reshape(y, (-1, x.shape[-1]))), training=training)

    def compute_output_shape(self, x_shape, memory_shape=None):
        return x_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(package="keras_vit")
class FlatBlock(CompositeLayer):
    """`FeatureAttention`, then an MLP four times as wide, each behind a norm on a residual branch.

    With a memory the attention is a cross-attention, whose memory has a norm of its own.

    Args:
        num_heads: number of attention heads; must divide the width.
        dropout: of the attention, from 0 to below 1.
        seed: of the dropout.

    Call arguments:
        x: `(B, D)`.
        memory: `(B, D)` or None.
        training: whether to drop.

    Output shape: `(B, D)`.
    """

    def __init__(self, num_heads, dropout=0.1, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        shared = {"dtype": self.dtype_policy}
        self.norm_1, self.norm_2 = (  # PyTorch's own epsilon
            LayerNormalization(epsilon=1e-5, name=f"norm_{i}", **shared) for i in (1, 2)
        )
        self.attention = FeatureAttention(num_heads, dropout, seed=seed, name="attention", **shared)

    def build(self, x_shape, memory_shape=None):
        shared = {"dtype": self.dtype_policy}
        self.mlp = MLP(4 * x_shape[-1], name="mlp", **shared)
        if memory_shape is not None:
            self.norm_memory = LayerNormalization(epsilon=1e-5, name="norm_memory", **shared)
            self.norm_memory.build(memory_shape)
        for part in (self.norm_1, self.attention, self.norm_2, self.mlp):
            part.build(x_shape)

    def call(self, x, memory=None, training=None):
        if memory is not None:
            memory = self.norm_memory(memory)
        x = x + self.attention(self.norm_1(x), memory, training=training)
        return x + self.mlp(self.norm_2(x))

    def compute_output_shape(self, x_shape, memory_shape=None):
        return x_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.attention.num_heads,
            "dropout": self.attention.dropout,
            "seed": self.seed,
        }
