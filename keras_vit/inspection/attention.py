"""Attention maps: the attention weights of the forward pass as NumPy arrays."""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
from keras import ops

from keras_vit.inspection.checks import checked_batch_size, checked_images
from keras_vit.layers import MultiHeadSelfAttention
from keras_vit.models.intermediates import plain_model


def attention_maps(
    model: keras.Model,
    images: np.ndarray,
    layers: Sequence[int] | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    """Compute the attention weights of the blocks for images.

    Each block runs a second time on the input that it had in the forward pass, and this time it
    returns its weights. The weights are therefore those of the forward pass, whichever attention
    kernel that used. Blocks behind the last chosen block do not run.

    Args:
        model: a functional model with `TransformerBlock`s, such as a `ViT`, or an
            `AugmentedModel` around such a model.
        images: array `(B, H, W, C)`, values 0-255.
        layers: sequence of ints or None, indices of the blocks; negative indices count from the
            end. None: all blocks. Default: None.
        batch_size: int, 1 or more, number of images that the model computes at a time. Default: 32.

    Returns:
        Float32 `(depth, B, heads, T, T)`. Each row holds the weights of one query over the keys and
        sums to 1.

    Raises:
        ValueError: if the model has no blocks, if there is no block of an index, or if the model
            does not take images of this shape.
    """
    return np.concatenate(list(iter_attention_maps(model, images, layers, batch_size)), axis=1)


def iter_attention_maps(
    model: keras.Model,
    images: np.ndarray,
    layers: Sequence[int] | None = None,
    batch_size: int = 32,
) -> Iterator[np.ndarray]:
    """Compute `attention_maps` of one batch of images at a time.

    Args:
        model: as in `attention_maps`.
        images: as in `attention_maps`.
        layers: as in `attention_maps`. Default: None.
        batch_size: as in `attention_maps`. Default: 32.

    Yields:
        For each batch float32 `(depth, b, heads, T, T)`.

    Raises:
        ValueError: as in `attention_maps`.
    """
    blocks = attention_blocks(model, layers)
    images = checked_images(model, images)
    return stream_maps(model, blocks, images, checked_batch_size(batch_size))


def stream_maps(
    model: keras.Model, blocks: list[keras.Layer], images: np.ndarray, batch_size: int
) -> Iterator[np.ndarray]:
    """Yield the attention weights of the given blocks, one batch of checked images at a time."""
    encoder = keras.Model(plain_model(model).input, [block.input for block in blocks])
    # `predict_on_batch` stores nothing for gradients. It runs eagerly, because compiling would take
    # longer than a few batches.
    encoder.compile(run_eagerly=True)
    for start in range(0, len(images), batch_size):
        tokens = encoder.predict_on_batch(images[start : start + batch_size])
        tokens = tokens if isinstance(tokens, list) else [tokens]
        yield np.stack(
            [
                ops.convert_to_numpy(block(x, training=False, return_attention_scores=True)[1])
                for block, x in zip(blocks, tokens, strict=True)
            ]
        )


def attention_blocks(model: keras.Model, layers: Sequence[int] | None = None) -> list[keras.Layer]:
    """Return the model's Transformer blocks, or those of the given indices."""
    blocks = [layer for layer in getattr(plain_model(model), "layers", []) if has_attention(layer)]
    if not blocks:
        raise ValueError(
            f"The model must have at least one block with attention. Received: {model!r}"
        )
    if layers is None:
        return blocks
    beyond = [i for i in layers if not -len(blocks) <= i < len(blocks)]
    if beyond or not len(layers):
        raise ValueError(
            f"`layers` must hold indices of the model's {len(blocks)} blocks. "
            f"Received: layers={list(layers)}"
        )
    return [blocks[i] for i in layers]


def has_attention(layer: keras.Layer) -> bool:
    """Return whether a layer is a `TransformerBlock` or another block with self-attention."""
    return isinstance(getattr(layer, "attention", None), MultiHeadSelfAttention)
