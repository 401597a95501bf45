"""Attention rollout: the attention of all blocks multiplied together."""

import numpy as np

from keras_vit.inspection.checks import checked_maps


def attention_rollout(maps: np.ndarray) -> np.ndarray:
    """Multiply the attention of all blocks, with the residual connections.

    Source: "Quantifying Attention Flow in Transformers", arXiv 2005.00928, section 3. The weights
    of each block are averaged over the heads. Half of their sum with the identity, which stands for
    the residual connection, is multiplied from the first block to the last.

    Args:
        maps: float array `(depth, B, heads, T, T)` of all blocks in order, as from
            `attention_maps`.

    Returns:
        Array `(B, T, T)`, the share of each input token (column) in each token of the last block
        (row). Each row sums to 1.

    Raises:
        ValueError: if the maps have another shape.
    """
    maps = checked_maps(maps, "attention_rollout")
    identity = np.eye(maps.shape[-1], dtype=maps.dtype)
    rollout = identity
    for block in maps:
        mixed = 0.5 * block.mean(axis=1) + 0.5 * identity
        rollout = mixed / mixed.sum(axis=-1, keepdims=True) @ rollout
    return rollout
