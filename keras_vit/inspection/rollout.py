"""Attention multiplied through all blocks."""

import numpy as np

from keras_vit.inspection.checks import checked_maps


def attention_rollout(maps: np.ndarray) -> np.ndarray:
    """Attention rolled out through the blocks, the residual connections counted in.

    Each block's weights are averaged over the heads, mixed half and half with the identity (the
    residual branch) and multiplied from the first block to the last ("Quantifying Attention
    Flow in Transformers", arXiv 2005.00928, section 3).

    Args:
        maps: `(depth, B, heads, T, T)` of all blocks in order, as `attention_maps` gives them.

    Returns:
        `(B, T, T)`: the share of each input token (column) in each token of the last block
        (row); each row sums to 1.

    Raises:
        ValueError: for maps of another shape.
    """
    maps = checked_maps(maps, "attention_rollout")
    identity = np.eye(maps.shape[-1], dtype=maps.dtype)
    rollout = identity
    for block in maps:
        mixed = 0.5 * block.mean(axis=1) + 0.5 * identity
        rollout = mixed / mixed.sum(axis=-1, keepdims=True) @ rollout
    return rollout
