import torch


def dot_product_attention(query, key, value, bias, scale):
    """`keras.ops.dot_product_attention` without the copies that Keras makes on a CPU.

    Args:
        query: `(B, T, heads, head_dim)`; key and value likewise, in any memory layout.
        bias: `(…, heads, T, T)`, added to the logits; or None.
        scale: what the logits are multiplied by.

    Returns:
        `(B, T, heads, head_dim)`.
    """
    heads_first = (x.transpose(1, 2) for x in (query, key, value))
    y = torch.nn.functional.scaled_dot_product_attention(*heads_first, attn_mask=bias, scale=scale)
    return y.transpose(1, 2)
