"""Two forms of attention that PyTorch computes faster on a CPU than Keras's own operations do."""

from functools import reduce

import torch


def dot_product_attention(query, key, value, bias, scale: float):
    """Attend as `keras.ops.dot_product_attention` does, without the copies it makes on a CPU.

    PyTorch's kernel needs query, key and value of one type. Where their types differ, this function
    casts all of them to the widest.

    Args:
        query: float tensor `(B, T, heads, head_dim)`, in any memory layout.
        key: float tensor, as `query`.
        value: float tensor, as `query`.
        bias: float tensor `(…, heads, T, T)` that is added to the logits, or None.
        scale: float, the factor of the logits.

    Returns:
        Tensor `(B, T, heads, head_dim)`.
    """
    dtype = reduce(torch.promote_types, (x.dtype for x in (query, key, value)))
    heads_first = (x.transpose(1, 2).to(dtype) for x in (query, key, value))
    bias = None if bias is None else bias.to(dtype)
    y = torch.nn.functional.scaled_dot_product_attention(*heads_first, attn_mask=bias, scale=scale)
    return y.transpose(1, 2)


def by_single_products(qkv, num_heads: int, scale: float, tables: tuple | None = None):
    """Attend by separate matrix products and a softmax, with a hand-written backward pass.

    The function does not use a fused kernel. Its backward pass copies less than the one that
    autograd derives. The result can be differentiated once.

    Args:
        qkv: float tensor `(B, T, 3 * D)`: all queries, then all keys, then all values, each of them
            head by head.
        num_heads: int, number of heads; must divide D.
        scale: float, the factor of the logits.
        tables: pair of arrays from `rotary.rotary_tables` by which queries and keys are rotated.
            None: no rotation. Default: None.

    Returns:
        Tensor `(B, T, D)`, the results of the heads side by side.
    """
    if tables is not None:
        # The tables are repeated for the queries and the keys of all heads, because PyTorch's loops
        # are faster along long rows.
        cosine, sine = (torch.from_numpy(t).repeat(1, 2 * num_heads).to(qkv) for t in tables)
        # A rotation takes the pair (first, second) to (first * cosine - second * sine, …): the sine
        # has a minus sign in the first half of each head.
        sine.view(len(sine), 2 * num_heads, 2, -1)[:, :, 0].neg_()
        tables = cosine, sine
    return _BySingleProducts.apply(qkv, num_heads, scale, tables)


class _BySingleProducts(torch.autograd.Function):
    @staticmethod
    def forward(ctx, qkv, num_heads, scale, tables):
        batch, tokens, width = qkv.shape[0], qkv.shape[1], qkv.shape[2] // 3
        head_shape = batch, tokens, num_heads, width // num_heads
        query_key, value = qkv.split([2 * width, width], -1)
        if tables is not None:
            query_key = _rotate(query_key, tables, head_shape[-1])
        query, key, value = (_split_heads(x, head_shape) for x in (*query_key.chunk(2, -1), value))
        weights = torch.softmax(_scaled_product(query, key.mT, scale), -1)
        ctx.save_for_backward(query, key, value, weights)
        ctx.head_shape, ctx.scale, ctx.tables = head_shape, scale, tables
        return _merge_heads(torch.bmm(weights, value), head_shape)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, upstream):
        query, key, value, weights = ctx.saved_tensors
        upstream = _split_heads(upstream, ctx.head_shape)
        grad_weights = torch.bmm(upstream, value.mT)
        grad_logits = torch.ops.aten._softmax_backward_data(
            grad_weights, weights, -1, weights.dtype
        )
        grad_query_key_value = (
            _scaled_product(grad_logits, key, ctx.scale),
            _scaled_product(grad_logits.mT, query, ctx.scale),
            torch.bmm(weights.mT, upstream),
        )
        grad_qkv = torch.cat([_merge_heads(x, ctx.head_shape) for x in grad_query_key_value], -1)
        if ctx.tables is not None:
            cosine, sine = ctx.tables
            grad_query_key = grad_qkv[..., : cosine.shape[-1]]
            grad_query_key.copy_(_rotate(grad_query_key, (cosine, -sine), ctx.head_shape[-1]))
        return grad_qkv, None, None, None


def _rotate(x, tables, head_dim):
    """Rotate `(B, T, 2 * D)` as `rotary.rotate` does; the sines of `tables` have their signs."""
    cosine, sine = tables
    swapped = x.unflatten(-1, (-1, head_dim)).roll(head_dim // 2, -1).flatten(-2)
    return torch.addcmul(x * cosine, swapped, sine)


def _scaled_product(left, right, factor):
    """Compute `factor * left @ right` for two batches of matrices in one pass over memory."""
    product = left.new_empty(*left.shape[:2], right.shape[2])
    return product.baddbmm_(left, right, beta=0, alpha=factor)


def _split_heads(x, head_shape):
    """Rearrange `(B, T, D)` as `(B * heads, T, head_dim)`."""
    batch, tokens, heads, head_dim = head_shape
    return x.reshape(head_shape).transpose(1, 2).reshape(batch * heads, tokens, head_dim)


def _merge_heads(x, head_shape):
    """Rearrange `(B * heads, T, head_dim)` as `(B, T, D)`."""
    batch, tokens, heads, head_dim = head_shape
    x = x.view(batch, heads, tokens, head_dim).transpose(1, 2)
    return x.reshape(batch, tokens, heads * head_dim)
