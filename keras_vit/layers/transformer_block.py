"""The pre-norm Transformer encoder block."""

from collections.abc import Callable

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

    Source: equations 2 and 3 of the ViT paper (arXiv 2010.11929).

    Args:
        num_heads: int, number of attention heads; must divide D, the width of the tokens.
        mlp_dim: int, hidden width of the MLP.
        dropout: float in [0, 1], share of the values set to zero inside the MLP and after the
            attention. Default: 0.0.
        attention_dropout: float in [0, 1], share of the attention weights set to zero. Default:
            0.0.
        drop_path: float in [0, 1), share of the images that skip a branch (stochastic depth).
            Default: 0.0.
        layer_scale: float or None, value before training of a learned factor for each channel of a
            branch. None: no factors. Default: None.
        qk_norm: bool, whether to normalise each head's queries and keys by LayerNorm. Default:
            False.
        activation: str or function, activation of the MLP; "gelu" is the exact GELU. Default:
            "gelu".
        layer_norm_epsilon: float, added to the variance in every LayerNorm. Default: 1e-6.
        relative_positions: None, "rotary" or "bias", as in `MultiHeadSelfAttention`. Default: None.
        grid: pair of ints or None, (rows, columns) of patches; needed by `relative_positions`.
            Default: None.
        num_prefix_tokens: int, number of class and register tokens in front of the patches.
            Default: 0.
        seed: int or None, seed from which each random part of the block derives its own. None:
            random seeds. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        x: float tensor `(B, T, D)`.
        training: bool or None, whether to apply dropout and stochastic depth. Default: None.
        return_attention_scores: bool, whether to return the attention weights `(B, heads, T, T)`
            too. Default: False.
        scores_offset: float tensor `(B, heads, T, T)` that is added to the attention weights, or
            None. Default: None.
        num_queries: int or None. With an int, the block computes and returns only that many tokens,
            the first ones; all tokens are still attended to. None: all tokens. Default: None.

    Input shape: `(B, T, D)`.

    Output shape: `(B, T, D)`, or `(B, num_queries, D)`. With `return_attention_scores`, a tuple of
        that tensor and the attention weights.

    Raises:
        ValueError: if an argument of the attention is wrong, as in `MultiHeadSelfAttention`, or if
            `drop_path` is less than 0, or 1 or more.
    """

    def __init__(
        self,
        num_heads: int,
        mlp_dim: int,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        drop_path: float = 0.0,
        layer_scale: float | None = None,
        qk_norm: bool = False,
        activation: str | Callable = "gelu",
        layer_norm_epsilon: float = 1e-6,
        relative_positions: str | None = None,
        grid: tuple[int, int] | None = None,
        num_prefix_tokens: int = 0,
        seed: int | None = None,
        **kwargs,
    ) -> None:
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
        """Make the attention layer; a subclass overrides this for another kind of attention."""
        return MultiHeadSelfAttention(**arguments)

    def _mlp(self, mlp_dim, **arguments):
        """Make the MLP; a subclass overrides this for another kind of MLP."""
        return MLP(mlp_dim, **arguments)

    def build(self, input_shape: tuple) -> None:
        parts = [self.norm_1, self.attention, self.drop_path_1]
        parts += [self.norm_2, self.mlp, self.drop_path_2]
        if self.layer_scale is not None:
            parts += [self.layer_scale_1, self.layer_scale_2]
        for part in parts:
            part.build(input_shape)

    def call(
        self,
        x,
        training: bool | None = None,
        return_attention_scores: bool = False,
        scores_offset=None,
        num_queries: int | None = None,
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

    def rematerialized_call(self, layer_call: Callable, *args, **kwargs) -> Callable:
        """Wrap the block's `call` where a `keras.RematScope` names the block.

        Keras calls this method inside such a scope.

        Args:
            layer_call: function, the block's `call`.
            *args: positional arguments of Keras's method.
            **kwargs: keyword arguments of Keras's method.

        Returns:
            `rematerialized(self, layer_call)` where Keras would compute this block again in the
            backward pass; otherwise `layer_call`.
        """
        keras_wraps_it = super().rematerialized_call(layer_call, *args, **kwargs) is not layer_call
        return rematerialized(self, layer_call) if keras_wraps_it else layer_call

    def compute_output_spec(
        self,
        x,
        training: bool | None = None,
        return_attention_scores: bool = False,
        scores_offset=None,
        num_queries: int | None = None,
    ) -> keras.KerasTensor | tuple[keras.KerasTensor, keras.KerasTensor]:
        return self.attention.compute_output_spec(
            x, training, return_attention_scores, num_queries=num_queries
        )

    def get_config(self) -> dict:
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
