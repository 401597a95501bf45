from functools import reduce

import torch


def dot_product_attention(query, key, value, bias, scale):
    """`keras.ops.dot_product_attention` without the copies that Keras makes on a CPU.

    Args:
        query: `(B, T, heads, head_dim)`; key and value likewise, in any memory layout. The kernel
            wants one type: a part that has a dtype of its own brings all to the wider.
        bias: `(…, heads, T, T)`, added to the logits; or None.
        scale: what the logits are multiplied by.

    Returns:
        `(B, T, heads, head_dim)`.
    """
    kind = reduce(torch.promote_types, (x.dtype for x in (query, key, value)))
    heads_first = (x.transpose(1, 2).to(kind) for x in (query, key, value))
    bias = None if bias is None else bias.to(kind)
    y = torch.nn.functional.scaled_dot_product_attention(*heads_first, attn_mask=bias, scale=scale)
    return y.transpose(1, 2)


def by_single_products(qkv, num_heads, scale, tables=None):
    """Self-attention without a fused kernel, and a backward pass that copies less than autograd's.

    Args:
        qkv: `(B, T, 3 * D)`: all queries, keys and values, each head by head.
        num_heads: heads, each `head_dim` wide.
        scale: what the logits are multiplied by.
        tables: `rotary.rotary_tables`, which queries and keys are turned by; or None.

    Returns:
        `(B, T, D)`, the heads' values side by side; differentiable once.
    """
    if tables is not None:
        # For queries and keys of all heads: PyTorch's loops are faster along long rows.
        cosine, sine = (torch.from_numpy(t).repeat(1, 2 * num_heads).to(qkv) for t in tables)
        # Of a pair (first, second) the first gets minus the second times the sine.
        sine.view(len(sine), 2 * num_heads, 2, -1)[:, :, 0].neg_()
        tables = cosine, sine
    return _BySingleProducts.apply(qkv, num_heads, scale, tables)


class _BySingleProducts(torch.autograd.Function):
    @staticmethod
    def forward(ctx, qkv, num_heads, scale, tables):
        batch, tokens, width = qkv.shape[0], qkv.shape[1], qkv.shape[2] // 3
        of_each = batch, tokens, num_heads, width // num_heads
        query_key, value = qkv.split([2 * width, width], -1)
        if tables is not None:
            query_key = _turned(query_key, tables, of_each[-1])
        query, key, value = (_heads_first(x, of_each) for x in (*query_key.chunk(2, -1), value))
        weights = torch.softmax(_product(query, key.mT, scale), -1)
        ctx.save_for_backward(query, key, value, weights)
        ctx.of_each, ctx.scale, ctx.tables = of_each, scale, tables
        return _side_by_side(torch.bmm(weights, value), of_each)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, upstream):
        query, key, value, weights = ctx.saved_tensors
        upstream = _heads_first(upstream, ctx.of_each)
        by_weights = torch.bmm(upstream, value.mT)
        by_logits = torch.ops.aten._softmax_backward_data(by_weights, weights, -1, weights.dtype)
        by_parts = (
            _product(by_logits, key, ctx.scale),
            _product(by_logits.mT, query, ctx.scale),
            torch.bmm(weights.mT, upstream),
        )
        by_qkv = torch.cat([_side_by_side(x, ctx.of_each) for x in by_parts], -1)
        if ctx.tables is not None:
            cosine, sine = ctx.tables
            by_query_key = by_qkv[..., : cosine.shape[-1]]
            by_query_key.copy_(_turned(by_query_key, (cosine, -sine), ctx.of_each[-1]))
        return by_qkv, None, None, None


def _turned(x, tables, head_dim):
    """`rotary.rotate` of `(B, T, 2 * D)` by tables of that width, their sines signed."""
    cosine, sine = tables
    swapped = x.unflatten(-1, (-1, head_dim)).roll(head_dim // 2, -1).flatten(-2)
    return torch.addcmul(x * cosine, swapped, sine)


def _product(left, right, factor):
    """`factor * left @ right` of batches of matrices, in one pass."""
    into = left.new_empty(*left.shape[:2], right.shape[2])
    return into.baddbmm_(left, right, beta=0, alpha=factor)


def _heads_first(x, of_each):
    """`(B, T, D)` as `(B * heads, T, head_dim)`."""
    batch, tokens, heads, head_dim = of_each
    return x.reshape(of_each).transpose(1, 2).reshape(batch * heads, tokens, head_dim)


def _side_by_side(x, of_each):
    """`(B * heads, T, head_dim)` as `(B, T, D)`."""
    batch, tokens, heads, head_dim = of_each
    x = x.view(batch, heads, tokens, head_dim).transpose(1, 2)
    return x.reshape(batch, tokens, heads * head_dim)
