import keras

from keras_vit.layers.attention import MultiHeadSelfAttention
from keras_vit.layers.composite import CompositeLayer, child_seed
from keras_vit.layers.layer_norm import LayerNormalization
from keras_vit.layers.layer_scale import LayerScale
from keras_vit.layers.mlp import MLP
from keras_vit.layers.rematerialized import rematerialized
from keras_vit.layers.stochastic_depth import StochasticDepth


@keras.saving.register_keras_serializable(package="keras_vit")
class TransformerBlock(CompositeLayer):
    """A pre-norm Transformer encoder block: attention, then an MLP, each on a residual branch.

    Equations 2 and 3 of the ViT paper (arXiv 2010.11929).

    Args:
        num_heads: number of attention heads; must divide the width.
        mlp_dim: hidden width of the MLP.
        dropout: share of the values dropped in the MLP and after the attention, 0 to 1.
        attention_dropout: share of the attention weights dropped, 0 to 1.
        drop_path: share of the images that skip a branch (stochastic depth), 0 to below 1.
        layer_scale: first value of a learned factor for each channel of a branch; None: none.
        qk_norm: LayerNorm on each head's queries and keys.
        activation: of the MLP; "gelu" is the exact one.
        layer_norm_epsilon: of every LayerNorm.
        relative_positions, grid, num_prefix_tokens: as in `MultiHeadSelfAttention`.
        seed: of everything random inside.

    Call arguments:
        x: `(B, T, D)`.
        training: whether to drop.
        return_attention_scores: also give the attention weights, `(B, heads, T, T)`.
        scores_offset: `(B, heads, T, T)`, added to the attention weights.
        num_queries: int; only so many tokens, the first, come out, and no others are computed.
            None: all.

    Output shape: `(B, T, D)`, or `(B, num_queries, D)`.
    """

    def __init__(
        self,
        num_heads,
        mlp_dim,
        dropout=0.0,
        attention_dropout=0.0,
        drop_path=0.0,
        layer_scale=None,
        qk_norm=False,
        activation="gelu",
        layer_norm_epsilon=1e-6,
        relative_positions=None,
        grid=None,
        num_prefix_tokens=0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.dropout = dropout
        self.drop_path = drop_path
        self.layer_scale = layer_scale
        self.layer_norm_epsilon = layer_norm_epsilon
        self.seed = seed
        shared = {"dtype": self.dtype_policy}
        self.norm_1, self.norm_2 = (
            LayerNormalization(epsilon=layer_norm_epsilon, name=f"norm_{i}", **shared)
            for i in (1, 2)
        )
        self.attention = self._attention(
            num_heads=num_heads,
            dropout=attention_dropout,
            qk_norm=qk_norm,
            relative_positions=relative_positions,
            grid=grid,
            num_prefix_tokens=num_prefix_tokens,
            layer_norm_epsilon=layer_norm_epsilon,
            seed=child_seed(seed, 1),
            name="attention",
            **shared,
        )
        self.mlp = self._mlp(
            mlp_dim,
            dropout=dropout,
            activation=activation,
            seed=child_seed(seed, 2),
            name="mlp",
            **shared,
        )
        self.attention_drop = keras.layers.Dropout(
            dropout, seed=child_seed(seed, 5), name="attention_drop", **shared
        )
        self.drop_path_1, self.drop_path_2 = (
            StochasticDepth(
                drop_path, seed=child_seed(seed, 5 + i), name=f"drop_path_{i}", **shared
            )
            for i in (1, 2)
        )
        if layer_scale is not None:
            self.layer_scale_1, self.layer_scale_2 = (
                LayerScale(layer_scale, name=f"layer_scale_{i}", **shared) for i in (1, 2)
            )

    def _attention(self, **arguments):
        """The attention layer, for blocks with one of another kind to override."""
        return MultiHeadSelfAttention(**arguments)

    def _mlp(self, mlp_dim, **arguments):
        """The MLP; a subclass may have another."""
        return MLP(mlp_dim, **arguments)

    def build(self, input_shape):
        parts = [self.norm_1, self.attention, self.drop_path_1]
        parts += [self.norm_2, self.mlp, self.drop_path_2]
        if self.layer_scale is not None:
            parts += [self.layer_scale_1, self.layer_scale_2]
        for part in parts:
            part.build(input_shape)

    def call(
        self,
        x,
        training=None,
        return_attention_scores=False,
        scores_offset=None,
        num_queries=None,
    ):
        y = self.attention(
            self.norm_1(x),
            training=training,
            return_attention_scores=return_attention_scores,
            scores_offset=scores_offset,
            num_queries=num_queries,
        )
        y, scores = y if return_attention_scores else (y, None)
        y = self.attention_drop(y, training=training)
        if self.layer_scale is not None:
            y = self.layer_scale_1(y)
        x = x if num_queries is None else x[:, :num_queries]
        x = x + self.drop_path_1(y, training=training)

        y = self.mlp(self.norm_2(x), training=training)
        if self.layer_scale is not None:
            y = self.layer_scale_2(y)
        x = x + self.drop_path_2(y, training=training)
        return (x, scores) if return_attention_scores else x

    def rematerialized_call(self, layer_call, *args, **kwargs):
        """Keras asks for this in a `keras.RematScope`."""
        wanted = super().rematerialized_call(layer_call, *args, **kwargs) is not layer_call
        return rematerialized(self, layer_call) if wanted else layer_call

    def compute_output_spec(
        self,
        x,
        training=None,
        return_attention_scores=False,
        scores_offset=None,
        num_queries=None,
    ):
        return self.attention.compute_output_spec(
            x, training, return_attention_scores, num_queries=num_queries
        )

    def get_config(self):
        attention = self.attention.get_config()
        mlp = self.mlp.get_config()
        return {
            **super().get_config(),
            "num_heads": attention["num_heads"],
            "mlp_dim": mlp["hidden_dim"],
            "dropout": self.dropout,
            "attention_dropout": attention["dropout"],
            "drop_path": self.drop_path,
            "layer_scale": self.layer_scale,
            "qk_norm": attention["qk_norm"],
            "activation": mlp["activation"],
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "relative_positions": attention["relative_positions"],
            "grid": attention["grid"],
            "num_prefix_tokens": attention["num_prefix_tokens"],
            "seed": self.seed,
        }
