"""Attention maps: the weights that the forward pass used, as numpy arrays."""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
from keras import ops

from keras_vit.layers import MultiHeadSelfAttention
from keras_vit.models.intermediates import plain_model


def attention_maps(
    model: keras.Model,
    images: np.ndarray,
    layers: Sequence[int] | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    """Attention weights of every block for the given images.

    Each block is run again on the very input that it saw, along the path that gives its
    weights: the same numbers as in the forward pass, whichever kernel that used.

    Args:
        model: a functional model with `TransformerBlock`s, such as a `ViT`, or an
            `AugmentedModel` around one.
        images: `(B, H, W, C)`, values 0-255.
        layers: indices of the blocks, negative ones from the end; None: all.
        batch_size: images at a time.

    Returns:
        float32 `(depth, B, heads, T, T)`; each row (a query's weights over the keys) sums to 1.

    Raises:
        ValueError: for a model without blocks, or an index beyond them.
    """
    return np.concatenate(list(iter_attention_maps(model, images, layers, batch_size)), axis=1)


def iter_attention_maps(
    model: keras.Model,
    images: np.ndarray,
    layers: Sequence[int] | None = None,
    batch_size: int = 32,
) -> Iterator[np.ndarray]:
    """Like `attention_maps`, one batch of images at a time: `(depth, b, heads, T, T)` each."""
    if len(images) == 0:
        raise ValueError("There are no images to look at.")
    blocks = attention_blocks(model, layers)
    encoder = keras.Model(plain_model(model).input, [block.input for block in blocks])
    for start in range(0, len(images), batch_size):
        tokens = encoder(np.asarray(images[start : start + batch_size], "float32"))
        tokens = tokens if isinstance(tokens, list) else [tokens]
        yield np.stack(
            [
                ops.convert_to_numpy(block(x, return_attention_scores=True)[1])
                for block, x in zip(blocks, tokens, strict=True)
            ]
        )


def attention_blocks(model, layers=None):
    """The model's Transformer blocks, or those of the given indices."""
    blocks = [
        layer
        for layer in getattr(plain_model(model), "layers", [])
        if isinstance(getattr(layer, "attention", None), MultiHeadSelfAttention)
    ]
    if not blocks:
        raise ValueError(f"The model has no block with attention to look into: {model!r}")
    if layers is None:
        return blocks
    beyond = [i for i in layers if not -len(blocks) <= i < len(blocks)]
    if beyond:
        raise ValueError(f"The model has {len(blocks)} blocks. Received: layers={list(layers)}")
    return [blocks[i] for i in layers]


def patch_attention(maps, grid, class_token=True):
    """How much each patch is attended to, over the image's grid.

    The class token's row, or without class token the mean over all queries; averaged over the
    heads. What goes to prefix tokens is left out.

    Args:
        maps: one block's `(B, heads, T, T)`.
        grid: (rows, columns) of patches.
        class_token: whether token 0 is one.

    Returns:
        `(B, rows, columns)`.
    """
    prefix = maps.shape[-1] - grid[0] * grid[1]
    mean = maps.mean(axis=1)
    rows = mean[:, 0] if class_token else mean.mean(axis=1)
    return rows[:, prefix:].reshape(-1, *grid)
