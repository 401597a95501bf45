"""The share of the attention that falls on a part of the image."""

from typing import NamedTuple

import numpy as np


class AttentionMass(NamedTuple):
    """The attention on a mask for each image, and the share of the image that the mask covers.

    Attributes:
        mass: float array `(B,)`, 0 to 1, share of the attention on the mask.
        share: float array `(B,)`, 0 to 1, share of the pixels in the mask.
    """

    mass: np.ndarray
    share: np.ndarray


def attention_mass(attention: np.ndarray, mask: np.ndarray) -> AttentionMass:
    """Compute the share of the attention that falls on a mask, such as the ink of a digit.

    The attention to a patch is spread evenly over the pixels of the patch. If the attention is the
    same for all patches, the result is therefore the share of the image that the mask covers.

    Args:
        attention: float array `(B, rows, columns)`, 0 or more, as from `patch_attention`.
        mask: bool array `(B, H, W)`; H must be a multiple of the rows and W of the columns.

    Returns:
        An `AttentionMass`.

    Raises:
        ValueError: if the shapes do not fit each other or an image has no attention at all.
    """
    attention, mask = np.asarray(attention, "float64"), np.asarray(mask, bool)
    fits = attention.ndim == mask.ndim == 3 and len(attention) == len(mask) > 0
    if not fits or any(m % a for m, a in zip(mask.shape[1:], attention.shape[1:], strict=True)):
        raise ValueError(
            "`attention` must be (B, rows, columns) and `mask` (B, H, W), where the rows divide H "
            f"and the columns divide W. Received: shapes {attention.shape} and {mask.shape}"
        )
    totals = attention.sum(axis=(1, 2))
    if not np.all(totals > 0):
        raise ValueError(
            "Every image must have some attention on its patches. "
            f"Received: no attention in the images {np.flatnonzero(~(totals > 0))[:10].tolist()}"
        )
    batch, rows, columns = attention.shape
    cells = mask.reshape(batch, rows, mask.shape[1] // rows, columns, -1).mean(axis=(2, 4))
    mass = (attention * cells).sum(axis=(1, 2)) / totals
    return AttentionMass(mass, mask.mean(axis=(1, 2)))
