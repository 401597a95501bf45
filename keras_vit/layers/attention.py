"""Multi-head self-attention, by a fused kernel where there is a fast one."""

from numbers import Integral

import keras
from keras import ops

from keras_vit.layers.composite import CompositeLayer
from keras_vit.layers.dense import Dense, affine
from keras_vit.layers.layer_norm import LayerNormalization
from keras_vit.layers.relative_position_bias import RelativePositionBias
from keras_vit.layers.rotary import rotary_tables, rotate

RELATIVE_POSITIONS = (None, "rotary", "bias")
# Attention without a fused kernel keeps all attention weights in memory, and twice as many tokens
# have four times as many weights.
MOST_TOKENS_UNFUSED = 1024


def fused_kernel_is_slow(x, dtype: str, num_queries: int) -> bool:
    """Return whether separate products and a softmax are faster than the backend's fused kernel.

    They are faster than PyTorch's fused kernel for bfloat16 on a CPU, forwards and backwards: the
    backward pass of that kernel alone takes half of the time of a training step of KunViT.

    Args:
        x: tensor on the device on which the attention runs.
        dtype: str, type of the queries.
        num_queries: int, number of queries in an image.

    Returns:
        True for at most `MOST_TOKENS_UNFUSED` queries in bfloat16 on a CPU with PyTorch; otherwise
        False.
    """
    if keras.backend.backend() != "torch" or dtype != "bfloat16":
        return False
    if num_queries > MOST_TOKENS_UNFUSED:
        return False
    return getattr(x, "device", None) is not None and x.device.type == "cpu"


def fused_attention(query, key, value, bias, scale: float):
    """Attend by `ops.dot_product_attention`, or by PyTorch's own kernel on PyTorch.

    Args:
        query: float tensor `(B, num_queries, heads, head_dim)`.
        key: float tensor `(B, T, heads, head_dim)`.
        value: float tensor `(B, T, heads, head_dim)`.
        bias: float tensor `(…, heads, num_queries, T)` that is added to the logits, or None.
        scale: float, the factor of the logits.

    Returns:
        Tensor `(B, num_queries, heads, head_dim)`.
    """
    if keras.backend.backend() != "torch":
        return ops.dot_product_attention(query, key, value, bias=bias, scale=scale)
    from keras_vit.backend import attention_torch  # imports PyTorch

    return attention_torch.dot_product_attention(query, key, value, bias, scale)


def check_num_queries(num_queries: int | None, num_tokens: int) -> None:
    """Check the number of tokens that attend.

    Args:
        num_queries: int or None for all tokens.
        num_tokens: int, number of tokens in an image.

    Raises:
        ValueError: if `num_queries` is less than 1 or greater than `num_tokens`.
    """
    if num_queries is not None and not 1 <= num_queries <= num_tokens:
        raise ValueError(
            f"`num_queries` must be None or from 1 to {num_tokens}, the number of tokens. "
            f"Received: num_queries={num_queries}"
        )


@keras.saving.register_keras_serializable(package="keras_vit")
class MultiHeadSelfAttention(CompositeLayer):
    """Multi-head self-attention with queries, keys and values from one Dense layer.

    Source: appendix A of the ViT paper (arXiv 2010.11929). The output columns of the Dense layer
    `qkv` are all queries, then all keys, then all values, each of them head by head. Each third of
    the kernel is initialised as if it were a layer of its own.

    Args:
        num_heads: int, number of heads; must divide D, the width of the tokens.
        dropout: float in [0, 1], share of the attention weights set to zero. Default: 0.0.
        qk_norm: bool, whether to normalise each head's queries and keys by LayerNorm (arXiv
            2302.05442). Default: False.
        relative_positions: None, "rotary" (queries and keys are rotated by angles for their row and
            column) or "bias" (a learned bias for each offset and head). The last two need `grid`.
            Default: None.
        grid: pair of ints or None, (rows, columns) of patches. Default: None.
        num_prefix_tokens: int, number of class and register tokens in front of the patches.
            Default: 0.
        layer_norm_epsilon: float, added to the variance in the LayerNorm of `qk_norm`. Default:
            1e-6.
        seed: int or None, seed of the dropout. None: a random seed. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        x: float tensor `(B, T, D)`.
        training: bool or None, whether to apply the dropout. Default: None.
        return_attention_scores: bool, whether to return the attention weights too. Default: False.
        scores_offset: float tensor `(B, heads, T, T)` that is added to the attention weights, or
            None. The gradient of an offset of zeros is the gradient of the attention weights.
            Default: None.
        num_queries: int or None. With an int, only that many tokens, the first ones, attend and are
            returned; all tokens are still attended to. None: all tokens attend. Default: None.

    Input shape: `(B, T, D)`.

    Output shape: `(B, T, D)`, or `(B, num_queries, D)`. With `return_attention_scores`, a tuple of
        that tensor and the attention weights, `(B, heads, T, T)` or `(B, heads, num_queries, T)` in
        float32.

    Raises:
        ValueError: if `num_heads` is not a positive int or does not divide D, if
            `relative_positions` is unknown or has no `grid`, if the grid does not fit the tokens,
            or if `num_queries` is less than 1 or greater than T.
    """

    def __init__(
        self,
        num_heads: int,
        dropout: float = 0.0,
        qk_norm: bool = False,
        relative_positions: str | None = None,
        grid: tuple[int, int] | None = None,
        num_prefix_tokens: int = 0,
        layer_norm_epsilon: float = 1e-6,
        seed: int | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(num_heads, Integral) or num_heads < 1:
            raise ValueError(f"`num_heads` must be a positive int. Received: num_heads={num_heads}")
        if relative_positions not in RELATIVE_POSITIONS:
            raise ValueError(
                f"`relative_positions` must be one of {RELATIVE_POSITIONS}. "
                f"Received: relative_positions={relative_positions!r}"
            )
        if relative_positions and grid is None:
            raise ValueError(
                "`relative_positions` needs `grid`, the (rows, columns) of patches. "
                f"Received: relative_positions={relative_positions!r}, grid=None"
            )
        self.num_heads = num_heads
        self.dropout = dropout
        self.qk_norm = qk_norm
        self.relative_positions = relative_positions
        self.grid = None if grid is None else tuple(grid)
        self.num_prefix_tokens = num_prefix_tokens
        self.layer_norm_epsilon = layer_norm_epsilon
        self.seed = seed
        self.drop = keras.layers.Dropout(dropout, seed=seed, dtype=self.dtype_policy, name="drop")

    def build(self, input_shape: tuple) -> None:
        dim = input_shape[-1]
        if dim % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the width of the tokens. "
                f"Received: num_heads={self.num_heads}, width={dim}"
            )
        self.head_dim = dim // self.num_heads
        self.qkv = Dense(
            3 * dim,
            # This is the Glorot limit of a D × D matrix. The limit of the whole D × 3D matrix would
            # be too small for its thirds.
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
        """Build what `_output` needs; a subclass overrides both."""
        self.projection = Dense(input_shape[-1], dtype=self.dtype_policy, name="projection")
        self.projection.build(input_shape)

    def _output(self, merged):
        """Compute the layer's output from the heads' results side by side, `(B, T, D)`."""
        return self.projection(merged)

    @property
    def scale(self) -> float:
        """The factor of the logits before the softmax."""
        return self.head_dim**-0.5

    def call(
        self,
        x,
        training: bool | None = None,
        return_attention_scores: bool = False,
        scores_offset=None,
        num_queries: int | None = None,
    ):
        check_num_queries(num_queries, x.shape[1])
        shows_weights = return_attention_scores or scores_offset is not None
        drops_weights = self.dropout and training
        way = self._choose(x, shows_weights, drops_weights, num_queries)
        scores = None
        if way == "fused":
            merged = self._attend_fused(x, num_queries)
        elif way == "torch_bfloat16":
            merged = self._attend_torch_bfloat16(x)
        else:
            softmax_dtype = "float32" if way == "unfused" else None
            merged, scores = self._attend_unfused(
                x, num_queries, softmax_dtype, scores_offset, training
            )
        y = self._output(merged)
        return (y, scores) if return_attention_scores else y

    def _choose(self, x, shows_weights, drops_weights, num_queries):
        """Choose the way of attending, by what the caller wants and by what is fast.

        Args:
            x: tensor `(B, T, D)`, the layer's input.
            shows_weights: bool, whether the caller sees or changes the attention weights.
            drops_weights: bool, whether dropout changes the attention weights.
            num_queries: int or None, as in the call.

        Returns:
            "fused": by the backend's fused kernel, which never shows the attention weights.
            "unfused": by separate products and a softmax in float32.
            "unfused_bfloat16": by separate products and a softmax whose input and output are
                bfloat16. PyTorch computes the softmax in float32 in between.
            "torch_bfloat16": by the same products and softmax with a backward pass that is written
                by hand; only without dropout, `qk_norm`, "bias" and `num_queries`.
        """
        query_dtype = (self.q_norm if self.qk_norm else self.qkv).compute_dtype
        if fused_kernel_is_slow(x, query_dtype, num_queries or x.shape[1]):
            if shows_weights or self.relative_positions == "bias":
                return "unfused"
            is_plain = num_queries is None and not drops_weights and not self.qk_norm
            same_dtype = self.qkv.compute_dtype == self.compute_dtype
            return "torch_bfloat16" if is_plain and same_dtype else "unfused_bfloat16"
        # JAX's fused kernel has no float16 form on a CPU.
        has_kernel = keras.backend.backend() != "jax" or self.compute_dtype != "float16"
        return "fused" if has_kernel and not shows_weights and not drops_weights else "unfused"

    def _attend_fused(self, x, num_queries):
        """Attend by the backend's fused kernel; `(B, num_queries, D)`."""
        query, key, value = self._heads(x, num_queries)
        y = fused_attention(query, key, value, self._position_bias(x, num_queries), self.scale)
        return self._merge_heads(y)

    def _attend_torch_bfloat16(self, x):
        """Attend by PyTorch's products with a hand-written backward pass; `(B, T, D)`."""
        from keras_vit.backend import attention_torch  # imports PyTorch

        return attention_torch.by_single_products(
            self.qkv(x), self.num_heads, self.scale, self._rotary
        )

    def _attend_unfused(self, x, num_queries, softmax_dtype, scores_offset, training):
        """Attend by separate products and a softmax.

        Args:
            x: tensor `(B, T, D)`.
            num_queries: int or None, as in the call.
            softmax_dtype: str, type of the softmax's input and output. None: the logits' own type.
            scores_offset: tensor or None, as in the call.
            training: bool or None, as in the call.

        Returns:
            Tensor `(B, num_queries, D)`, and the attention weights `(B, heads, num_queries, T)`
            with the offset and before the dropout.
        """
        query, key, value = self._heads(x, num_queries)
        logits = ops.einsum("bqhd,bkhd->bhqk", query * self.scale, key)
        if softmax_dtype is not None:
            logits = ops.cast(logits, softmax_dtype)
        bias = self._position_bias(x, num_queries)
        if bias is not None:
            logits = logits + ops.cast(bias, logits.dtype)
        scores = ops.softmax(logits, axis=-1)
        if scores_offset is not None:
            scores = scores + ops.cast(scores_offset, scores.dtype)
        weights = ops.cast(self.drop(scores, training=training), value.dtype)
        return self._merge_heads(ops.einsum("bhqk,bkhd->bqhd", weights, value)), scores

    def _position_bias(self, x, num_queries):
        """Return the bias of the logits, `(1, heads, num_queries, T)`; None without one."""
        if self.relative_positions != "bias":
            return None
        return self.bias(x)[..., :num_queries, :]

    def _heads(self, x, num_queries=None):
        """Compute queries `(B, num_queries, heads, head_dim)`, keys and values `(B, T, …)`."""
        if num_queries is None:
            query, key, value = self._split(self.qkv(x), 3)
        elif self.qkv.quantization_mode is None and self.qkv.compute_dtype == self.compute_dtype:
            # The queries' part of the kernel is applied to the first tokens only. With LoRA,
            # `kernel` is the sum of the kernel and its change.
            kernel, bias, dim = self.qkv.kernel, self.qkv.bias, x.shape[-1]
            queries = affine(x[:, :num_queries], kernel[:, :dim], bias[:dim])
            keys_and_values = affine(x, kernel[:, dim:], bias[dim:])
            (query,), (key, value) = self._split(queries, 1), self._split(keys_and_values, 2)
        else:
            query, key, value = self._split(self.qkv(x), 3)
            query = query[:, :num_queries]
        if self.qk_norm:
            query, key = self.q_norm(query), self.k_norm(key)
        if self._rotary is not None:
            query_tables = [table[:num_queries] for table in self._rotary]
            query, key = rotate(query, query_tables), rotate(key, self._rotary)
        return query, key, value

    def _split(self, x, parts):
        """Split `(B, T, parts * D)` into that many tensors `(B, T, heads, head_dim)`."""
        shape = (-1, x.shape[1], parts, self.num_heads, self.head_dim)
        return ops.unstack(ops.reshape(x, shape), axis=2)

    def _merge_heads(self, y):
        """Put the heads' results `(B, T, heads, head_dim)` side by side, `(B, T, D)`."""
        return ops.reshape(y, (-1, y.shape[1], self.num_heads * self.head_dim))

    def compute_output_spec(
        self,
        x,
        training: bool | None = None,
        return_attention_scores: bool = False,
        scores_offset=None,
        num_queries: int | None = None,
    ) -> keras.KerasTensor | tuple[keras.KerasTensor, keras.KerasTensor]:
        batch, tokens, dim = x.shape
        check_num_queries(num_queries, tokens)
        queries = tokens if num_queries is None else num_queries
        output = keras.KerasTensor((batch, queries, dim), dtype=self.compute_dtype)
        if not return_attention_scores:
            return output
        scores = (batch, self.num_heads, queries, tokens)
        return output, keras.KerasTensor(scores, dtype="float32")

    def get_config(self) -> dict:
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
