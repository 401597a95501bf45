"""The similarity of the position embeddings over the image."""

import keras
import numpy as np

from keras_vit.layers import PatchEncoder
from keras_vit.models.intermediates import plain_model


def position_similarity(model: keras.Model) -> np.ndarray:
    """Compute the cosine similarity between the position embeddings of all pairs of patches.

    Source: figure 7 (middle) of the ViT paper (arXiv 2010.11929).

    Args:
        model: a model with a `PatchEncoder` whose positions are learned or fixed, or an
            `AugmentedModel` around such a model.

    Returns:
        Float32 `(rows, columns, rows, columns)`, values -1 to 1. `[i, j]` is the map of
        similarities to the patch in row i, column j.

    Raises:
        ValueError: if the model adds no positions to its tokens.
    """
    model = plain_model(model)
    encoders = [x for x in getattr(model, "layers", []) if isinstance(x, PatchEncoder)]
    positions = encoders[0].patch_positions() if encoders else None
    if positions is None:
        found = "positions=None" if encoders else "a model without PatchEncoder"
        raise ValueError(
            f"The model must add positions to its patches. Received: {found} in {model!r}"
        )
    lengths = np.linalg.norm(positions, axis=-1, keepdims=True)
    directions = positions / np.maximum(lengths, np.finfo("float32").tiny)
    return (directions @ directions.T).reshape(*model.grid, *model.grid)
