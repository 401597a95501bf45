from numbers import Integral

import keras
from keras import ops

from keras_vit.layers.composite import CompositeLayer
from keras_vit.layers.dense import Dense, affine
from keras_vit.layers.layer_norm import LayerNormalization
from keras_vit.layers.relative_position_bias import RelativePositionBias
from keras_vit.layers.rotary import rotary_tables, rotate

RELATIVE_POSITIONS = (None, "rotary", "bias")
# Attention without a fused kernel keeps all weights: of twice as many tokens four times as much.
MOST_TOKENS_UNFUSED = 1024


def slowly_fused(query):
    """Whether products and a softmax one by one serve better than the backend's fused kernel.

    Than PyTorch's for bfloat16 on the CPU, both ways: its backward pass alone is half of KunViT's
    step. (The softmax works in float32 within, of logits that are rounded to bfloat16.) `query` is
    `(B, T, …)`.
    """
    on_torch = keras.backend.backend() == "torch"
    if not on_torch or keras.backend.standardize_dtype(query.dtype) != "bfloat16":
        return False
    if query.shape[1] > MOST_TOKENS_UNFUSED:
        return False
    return getattr(query, "device", None) is not None and query.device.type == "cpu"


def fused_attention(query, key, value, bias, scale):
    """`ops.dot_product_attention`, by PyTorch's kernel itself where that is the backend."""
    if keras.backend.backend() != "torch":
        return ops.dot_product_attention(query, key, value, bias=bias, scale=scale)
    from keras_vit.backend import attention_torch  # imports PyTorch

    return attention_torch.dot_product_attention(query, key, value, bias, scale)


def check_queries(num_queries, tokens):
    if num_queries is not None and not 1 <= num_queries <= tokens:
        raise ValueError(
            f"`num_queries` must be 1 to {tokens}, the tokens. Received: {num_queries}"
        )


@keras.saving.register_keras_serializable(package="keras_vit")
class MultiHeadSelfAttention(CompositeLayer):
    """Multi-head self-attention with query, key and value in one Dense layer.

    The ViT paper's appendix A. The columns of `qkv` are all queries, then all keys, then all
    values, each head by head; each third is initialised as if it stood alone.

    Args:
        num_heads: number of heads; must divide the tokens' width.
        dropout: share of the attention weights dropped, 0 to 1.
        qk_norm: LayerNorm on each head's queries and keys (arXiv 2302.05442).
        relative_positions: None, "rotary" (queries and keys turned by row and column) or "bias"
            (a learned bias for each offset and head); both need `grid`.
        grid: (rows, columns) of patches.
        num_prefix_tokens: class and register tokens in front of the patches.
        layer_norm_epsilon: of `qk_norm`.
        seed: of the dropout.

    Call arguments:
        x: `(B, T, D)`.
        training: whether to drop.
        return_attention_scores: also give the attention weights, `(B, heads, T, T)` in float32.
        scores_offset: `(B, heads, T, T)`, added to the attention weights; with zeros, its gradient
            is theirs.
        num_queries: int; only so many tokens, the first, ask and come out: `(B, num_queries, D)`.
            None: all.

    Raises:
        ValueError: for heads that are no positive int or do not divide the width, or where there
            are fewer tokens than `num_queries`.
    """

    def __init__(
        self,
        num_heads,
        dropout=0.0,
        qk_norm=False,
        relative_positions=None,
        grid=None,
        num_prefix_tokens=0,
        layer_norm_epsilon=1e-6,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(num_heads, Integral) or num_heads < 1:
            raise ValueError(f"`num_heads` must be a positive int. Received: {num_heads}")
        if relative_positions not in RELATIVE_POSITIONS:
            raise ValueError(
                f"`relative_positions` must be one of {RELATIVE_POSITIONS}. "
                f"Received: {relative_positions!r}"
            )
        if relative_positions and grid is None:
            raise ValueError(f"`relative_positions={relative_positions!r}` needs `grid`.")
        self.num_heads = num_heads
        self.dropout = dropout
        self.qk_norm = qk_norm
        self.relative_positions = relative_positions
        self.grid = None if grid is None else tuple(grid)
        self.num_prefix_tokens = num_prefix_tokens
        self.layer_norm_epsilon = layer_norm_epsilon
        self.seed = seed
        self.drop = keras.layers.Dropout(dropout, seed=seed, dtype=self.dtype_policy, name="drop")

    def build(self, input_shape):
        dim = input_shape[-1]
        if dim % self.num_heads:
            raise ValueError(f"{self.num_heads} heads do not divide a width of {dim}.")
        self.head_dim = dim // self.num_heads
        self.qkv = Dense(
            3 * dim,
            # Glorot's limit for a D x D matrix: that of a D x 3D one would be too small.
            kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_avg", "uniform"),
            dtype=self.dtype_policy,
            name="qkv",
        )
        self.qkv.build(input_shape)
        self._build_output(input_shape)
        if self.qk_norm:
            head_shape = (*input_shape[:-1], self.num_heads, self.head_dim)
            self.q_norm, self.k_norm = (
                LayerNormalization(
                    epsilon=self.layer_norm_epsilon, dtype=self.dtype_policy, name=name
                )
                for name in ("q_norm", "k_norm")
            )
            self.q_norm.build(head_shape)
            self.k_norm.build(head_shape)
        self._rotary = None
        if self.relative_positions == "rotary":
            self._rotary = rotary_tables(self.grid, self.head_dim, self.num_prefix_tokens)
        elif self.relative_positions == "bias":
            self.bias = RelativePositionBias(
                self.num_heads,
                self.grid,
                self.num_prefix_tokens,
                dtype=self.dtype_policy,
                name="bias",
            )
            self.bias.build(input_shape)

    def _build_output(self, input_shape):
        self.projection = Dense(input_shape[-1], dtype=self.dtype_policy, name="projection")
        self.projection.build(input_shape)

    def _output(self, merged):
        """What follows the heads' values side by side, `(B, T, D)`."""
        return self.projection(merged)

    @property
    def scale(self):
        """What the logits are multiplied by before the softmax."""
        return self.head_dim**-0.5

    def call(
        self,
        x,
        training=None,
        return_attention_scores=False,
        scores_offset=None,
        num_queries=None,
    ):
        wanted = return_attention_scores or scores_offset is not None
        drops = self.dropout and training
        if num_queries is None and not (wanted or drops) and self._by_single_products(x):
            from keras_vit.backend import attention_torch  # imports PyTorch

            y = attention_torch.by_single_products(
                self.qkv(x), self.num_heads, self.scale, self._rotary
            )
            return self._output(y)
        query, key, value = self._heads(x, num_queries)
        bias = None
        if self.relative_positions == "bias":
            bias = self.bias(x)[..., : query.shape[1], :]
        slow = slowly_fused(query)
        if wanted or drops or self._unfused() or slow:
            half = slow and not wanted and bias is None
            scores = self._scores(query, key, bias, None if half else "float32")
            if scores_offset is not None:
                scores = scores + ops.cast(scores_offset, scores.dtype)
            weights = ops.cast(self.drop(scores, training=training), value.dtype)
            y = ops.einsum("bhqk,bkhd->bqhd", weights, value)
        else:
            y = fused_attention(query, key, value, bias, self.scale)
        y = self._output(ops.reshape(y, (-1, y.shape[1], x.shape[2])))
        return (y, scores) if return_attention_scores else y

    def _by_single_products(self, x):
        """Whether the function that has the products' gradients written out is for this layer."""
        plain = not self.qk_norm and self.relative_positions != "bias"
        return plain and slowly_fused(x) and self.qkv.compute_dtype == self.compute_dtype

    def _unfused(self):
        """JAX's fused attention has no float16 form on the CPU."""
        return self.compute_dtype == "float16" and keras.backend.backend() == "jax"

    def _heads(self, x, num_queries=None):
        """Queries `(B, num_queries, heads, head_dim)`; keys and values `(B, T, …)`."""
        check_queries(num_queries, x.shape[1])
        if num_queries is None:
            query, key, value = self._split(self.qkv(x), 3)
        elif self.qkv.quantization_mode is None and self.qkv.compute_dtype == self.compute_dtype:
            # The kernel of the queries for those alone; with LoRA, `kernel` is the sum.
            kernel, bias, dim = self.qkv.kernel, self.qkv.bias, x.shape[-1]
            asking = affine(x[:, :num_queries], kernel[:, :dim], bias[:dim])
            asked = affine(x, kernel[:, dim:], bias[dim:])
            (query,), (key, value) = self._split(asking, 1), self._split(asked, 2)
        else:
            query, key, value = self._split(self.qkv(x), 3)
            query = query[:, :num_queries]
        if self.qk_norm:
            query, key = self.q_norm(query), self.k_norm(key)
        if self._rotary is not None:
            of_queries = [table[:num_queries] for table in self._rotary]
            query, key = rotate(query, of_queries), rotate(key, self._rotary)
        return query, key, value

    def _split(self, x, parts):
        """`(B, T, parts * D)` as so many `(B, T, heads, head_dim)`."""
        shape = (-1, x.shape[1], parts, self.num_heads, self.head_dim)
        return ops.unstack(ops.reshape(x, shape), axis=2)

    def _scores(self, query, key, bias, dtype="float32"):
        """Attention weights `(B, heads, T, T)`, float32 or as given; the logits are as `query`."""
        logits = ops.einsum("bqhd,bkhd->bhqk", query * self.scale, key)
        dtype = dtype or logits.dtype
        logits = ops.cast(logits, dtype)
        if bias is not None:
            logits = logits + ops.cast(bias, dtype)
        return ops.softmax(logits, axis=-1)

    def compute_output_spec(
        self,
        x,
        training=None,
        return_attention_scores=False,
        scores_offset=None,
        num_queries=None,
    ):
        batch, tokens, dim = x.shape
        check_queries(num_queries, tokens)
        queries = tokens if num_queries is None else num_queries
        output = keras.KerasTensor((batch, queries, dim), dtype=self.compute_dtype)
        if not return_attention_scores:
            return output
        scores = (batch, self.num_heads, queries, tokens)
        return output, keras.KerasTensor(scores, dtype="float32")

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "qk_norm": self.qk_norm,
            "relative_positions": self.relative_positions,
            "grid": self.grid,
            "num_prefix_tokens": self.num_prefix_tokens,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "seed": self.seed,
        }
