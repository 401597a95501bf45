"""From tokens to the image: how much the model looks at each patch."""

import numpy as np

from keras_vit.inspection.checks import prefix_tokens


def patch_attention(maps, grid, class_token=True):
    """How much each patch is attended to, over the image's grid.

    The class token's row, or without class token the mean over all queries; averaged over the
    heads. What goes to prefix tokens is left out.

    Args:
        maps: one block's `(B, heads, T, T)`, or `(B, T, T)` such as `attention_rollout` and
            `attention_relevance` give.
        grid: (rows, columns) of patches.
        class_token: whether token 0 is one.

    Returns:
        `(B, rows, columns)`.

    Raises:
        ValueError: for maps of another rank, or with fewer tokens than the grid has patches.
    """
    maps = np.asarray(maps)
    if maps.ndim not in (3, 4):
        raise ValueError(
            "`maps` must be one block's (B, heads, T, T), or (B, T, T). "
            f"Received: shape={maps.shape}"
        )
    mean = maps.mean(axis=1) if maps.ndim == 4 else maps
    prefix = prefix_tokens(maps.shape[-1], grid)
    rows = mean[:, 0] if class_token else mean.mean(axis=1)
    return rows[:, prefix:].reshape(-1, *grid)


def reads_class_token(model):
    """Whether the model's answer comes out of its class token, not out of the patches' mean."""
    return bool(model.class_token) and getattr(model, "pool", "token") == "token"
