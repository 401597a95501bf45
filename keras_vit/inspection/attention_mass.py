"""How much of the attention falls on a part of the image."""

from typing import NamedTuple

import numpy as np


class AttentionMass(NamedTuple):
    """Attention on a mask, and what even attention would put there, for each image."""

    mass: np.ndarray
    share: np.ndarray


def attention_mass(attention: np.ndarray, mask: np.ndarray) -> AttentionMass:
    """Share of the attention that falls on a mask, such as the ink of a digit.

    A patch's attention counts as spread evenly over its pixels, so that attention which is the
    same everywhere has exactly the mask's share of the image.

    Args:
        attention: `(B, rows, columns)`, 0 or more, such as `patch_attention` gives.
        mask: bool `(B, H, W)`, in which rows and columns of patches fit whole.

    Returns:
        `AttentionMass` of `mass`, the attention on the mask, and `share`, the mask's share of
        the pixels; each `(B,)`, 0 to 1.

    Raises:
        ValueError: for shapes that do not fit, or an image without any attention.
    """
    attention, mask = np.asarray(attention, "float64"), np.asarray(mask, bool)
    fits = attention.ndim == mask.ndim == 3 and len(attention) == len(mask) > 0
    if not fits or any(m % a for m, a in zip(mask.shape[1:], attention.shape[1:], strict=True)):
        raise ValueError(
            "`attention` (B, rows, columns) must divide `mask` (B, H, W). "
            f"Received: shapes {attention.shape} and {mask.shape}"
        )
    totals = attention.sum(axis=(1, 2))
    if not np.all(totals > 0):
        raise ValueError("An image has no attention on its patches.")
    batch, rows, columns = attention.shape
    cells = mask.reshape(batch, rows, mask.shape[1] // rows, columns, -1).mean(axis=(2, 4))
    mass = (attention * cells).sum(axis=(1, 2)) / totals
    return AttentionMass(mass, mask.mean(axis=(1, 2)))
