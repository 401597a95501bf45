"""Attention maps: the weights that the forward pass used, as numpy arrays."""

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
    """Attention weights of every block for the given images.

    Each block is run again on the very input that it saw, along the path that gives its
    weights: the same numbers as in the forward pass, whichever kernel that used. Blocks behind
    the last one asked for do not run.

    Args:
        model: a functional model with `TransformerBlock`s, such as a `ViT`, or an
            `AugmentedModel` around one.
        images: `(B, H, W, C)`, values 0-255.
        layers: indices of the blocks, negative ones from the end; None: all.
        batch_size: images at a time.

    Returns:
        float32 `(depth, B, heads, T, T)`; each row (a query's weights over the keys) sums to 1.

    Raises:
        ValueError: for a model without blocks, an index beyond them, or images that the model
            does not take.
    """
    return np.concatenate(list(iter_attention_maps(model, images, layers, batch_size)), axis=1)


def iter_attention_maps(
    model: keras.Model,
    images: np.ndarray,
    layers: Sequence[int] | None = None,
    batch_size: int = 32,
) -> Iterator[np.ndarray]:
    """Like `attention_maps`, one batch of images at a time: `(depth, b, heads, T, T)` each."""
    blocks = attention_blocks(model, layers)
    images = checked_images(model, images)
    return stream_maps(model, blocks, images, checked_batch_size(batch_size))


def stream_maps(model, blocks, images, batch_size):
    encoder = keras.Model(plain_model(model).input, [block.input for block in blocks])
    # `predict` keeps nothing for gradients, and compiling would take longer than a few batches.
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


def attention_blocks(model, layers=None):
    """The model's Transformer blocks, or those of the given indices."""
    blocks = [layer for layer in getattr(plain_model(model), "layers", []) if has_attention(layer)]
    if not blocks:
        raise ValueError(f"The model has no block with attention to look into: {model!r}")
    if layers is None:
        return blocks
    beyond = [i for i in layers if not -len(blocks) <= i < len(blocks)]
    if beyond or not len(layers):
        raise ValueError(f"The model has {len(blocks)} blocks. Received: layers={list(layers)}")
    return [blocks[i] for i in layers]


def has_attention(layer):
    """Whether it is a block with self-attention, a `TransformerBlock` or one of another kind."""
    return isinstance(getattr(layer, "attention", None), MultiHeadSelfAttention)
