"""The relevance of the tokens for a class, from the attention and its gradient."""

from collections.abc import Sequence
from itertools import pairwise

import keras
import numpy as np
from keras import ops

from keras_vit.backend.gradients import gradients
from keras_vit.inspection.attention import attention_blocks, has_attention
from keras_vit.inspection.checks import checked_batch_size, checked_images
from keras_vit.models.intermediates import plain_model


def attention_relevance(
    model: keras.Model,
    images: np.ndarray,
    classes: int | Sequence[int] | None = None,
    batch_size: int = 8,
) -> np.ndarray:
    """Compute the relevance of every token to every other token for the logit of a class.

    Source: "Generic Attention-model Explainability", arXiv 2103.15679, equations 5 and 6. The
    attention weights A of each block are multiplied by the gradient of the logit with respect to
    them. Negative products become 0, and the result is averaged over the heads. The relevance R
    starts as the identity and becomes R + mean((dlogit/dA * A)^+) R from block to block.

    Args:
        model: a `ViT` or another model whose layers form a chain from the first block to the
            logits, or an `AugmentedModel` around such a model.
        images: array `(B, H, W, C)`, values 0-255.
        classes: int (one class for all images), sequence of B ints or None (the predicted class of
            each image), the classes to explain. Default: None.
        batch_size: int, 1 or more, number of images that the model computes at a time. Default: 8.

    Returns:
        Float32 `(B, T, T)`, 0 or more. The row of the class token shows how much each token matters
        for the logit; for a model that pools by the mean, the mean of all rows shows it.
        `patch_attention` arranges the values over the image.

    Raises:
        ValueError: if the model has no blocks or its layers form no chain, if it does not take
            images of this shape, or if it does not have the classes.
    """
    blocks = attention_blocks(model)
    images = checked_images(model, images)
    plain = plain_model(model)
    encoder = keras.Model(plain.input, blocks[0].input)
    tail = layers_from(plain, blocks[0])
    if classes is not None:
        classes = checked_classes(classes, len(images), plain.output_shape[-1])
    batches = []
    for start in range(0, len(images), checked_batch_size(batch_size)):
        part = slice(start, start + batch_size)
        tokens = encoder(images[part], training=False)
        batches.append(relevance_of_batch(tail, tokens, None if classes is None else classes[part]))
    return np.concatenate(batches)


def relevance_of_batch(layers: list[keras.Layer], tokens, classes) -> np.ndarray:
    """Compute the relevance for one batch.

    Args:
        layers: list of layers from the first block to the logits.
        tokens: float tensor `(B, T, D)`, input of the first block.
        classes: int array `(B,)`, or None for the predicted classes.

    Returns:
        Float32 `(B, T, T)`.
    """
    logits, maps = run_layers(layers, tokens)
    if classes is None:
        classes = ops.argmax(logits, axis=-1)
    chosen = ops.one_hot(classes, logits.shape[-1], dtype="float32")
    maps = [ops.convert_to_numpy(weights) for weights in maps]

    def logit_sum(*offsets):
        logits, _ = run_layers(layers, tokens, offsets)
        return ops.sum(ops.cast(logits, "float32") * chosen)

    slopes = gradients(logit_sum, [ops.zeros(weights.shape) for weights in maps])
    relevance = np.eye(maps[0].shape[-1], dtype="float32")
    for weights, slope in zip(maps, slopes, strict=True):
        used = np.maximum(weights * ops.convert_to_numpy(slope), 0).mean(axis=1)
        relevance = relevance + used @ relevance
    return relevance


def run_layers(layers: list[keras.Layer], x, offsets: Sequence | None = None):
    """Run a chain of layers, and return its output and the attention weights of its blocks.

    Args:
        layers: list of layers, each of which takes the output of the one before.
        x: tensor, input of the first layer.
        offsets: sequence of tensors that are added to the attention weights of the blocks in order,
            or None. Default: None.
    """
    offsets = iter(offsets or ())
    maps = []
    for layer in layers:
        if has_attention(layer):
            x, weights = layer(
                x,
                training=False,
                return_attention_scores=True,
                scores_offset=next(offsets, None),
            )
            maps.append(weights)
        else:
            x = layer(x)
    return x, maps


def layers_from(model: keras.Model, first: keras.Layer) -> list[keras.Layer]:
    """Return the layers from `first` to the output, or raise a ValueError if they form no chain."""
    layers = model.layers[model.layers.index(first) :]
    for layer, following in pairwise(layers):
        if following.input is not layer.output:
            raise ValueError(
                "The layers of the model must form a chain from the first block to the output. "
                f"Received: the layer {following.name}, whose input is not the output of "
                f"{layer.name}, the layer before it"
            )
    return layers


def checked_classes(classes: int | Sequence[int], count: int, num_classes: int) -> np.ndarray:
    """Return the classes as an int array `(count,)`, or raise a ValueError for unknown classes."""
    given = np.asarray(classes)
    whole = given.dtype.kind in "iu" and given.shape in ((), (count,))
    if not whole or np.any((given < 0) | (given >= num_classes)):
        raise ValueError(
            f"`classes` must be a class of 0 to {num_classes - 1}, or one for each of {count} "
            f"images. Received: classes={classes}"
        )
    return np.broadcast_to(given, (count,))
