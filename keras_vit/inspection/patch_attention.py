"""The attention to each patch, arranged over the image."""

import keras
import numpy as np

from keras_vit.inspection.checks import prefix_tokens


def patch_attention(
    maps: np.ndarray, grid: tuple[int, int], class_token: bool = True
) -> np.ndarray:
    """Compute the attention to each patch, over the grid of the image.

    This is the attention of the class token, or without a class token the mean over all queries,
    averaged over the heads. The attention to class and register tokens is left out.

    Args:
        maps: float array `(B, heads, T, T)` of one block, or `(B, T, T)` as from
            `attention_rollout` and `attention_relevance`.
        grid: pair of ints, (rows, columns) of patches.
        class_token: bool, whether token 0 is the class token. Default: True.

    Returns:
        Array `(B, rows, columns)`.

    Raises:
        ValueError: if the maps have another rank, or fewer tokens than the grid has patches.
    """
    maps = np.asarray(maps)
    if maps.ndim not in (3, 4):
        raise ValueError(
            "`maps` must be (B, heads, T, T) of one block, or (B, T, T). "
            f"Received: shape={maps.shape}"
        )
    mean = maps.mean(axis=1) if maps.ndim == 4 else maps
    prefix = prefix_tokens(maps.shape[-1], grid)
    rows = mean[:, 0] if class_token else mean.mean(axis=1)
    return rows[:, prefix:].reshape(-1, *grid)


def reads_class_token(model: keras.Model) -> bool:
    """Return whether a model computes its output from the class token and not from the patches."""
    return bool(model.class_token) and getattr(model, "pool", "token") == "token"
