"""How alike the position embeddings are, over the image."""

import keras
import numpy as np

from keras_vit.layers import PatchEncoder
from keras_vit.models.intermediates import plain_model


def position_similarity(model: keras.Model) -> np.ndarray:
    """Cosine similarity of each patch's position embedding with every other's.

    Figure 7 (middle) of the ViT paper (arXiv 2010.11929).

    Args:
        model: a model with a `PatchEncoder` whose positions are learned or fixed, or an
            `AugmentedModel` around one.

    Returns:
        float32 `(rows, columns, rows, columns)`, values -1 to 1: `[i, j]` is the map of
        similarities to the patch in row i, column j.

    Raises:
        ValueError: for a model that adds no positions to its tokens.
    """
    model = plain_model(model)
    encoders = [x for x in getattr(model, "layers", []) if isinstance(x, PatchEncoder)]
    positions = encoders[0].patch_positions() if encoders else None
    if positions is None:
        why = "positions=None" if encoders else "no PatchEncoder"
        raise ValueError(f"The model adds no positions to its patches ({why}): {model!r}")
    lengths = np.linalg.norm(positions, axis=-1, keepdims=True)
    directions = positions / np.maximum(lengths, np.finfo("float32").tiny)
    return (directions @ directions.T).reshape(*model.grid, *model.grid)
