"""Which tokens an answer rests on, by attention and its gradient."""

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
    """Relevance of every token to every other for the logit of a class.

    Each block's weights A are multiplied by the gradient of the logit with regard to them, what
    is negative left out, averaged over the heads, and gathered through the blocks: R starts as
    the identity and becomes R + mean((dlogit/dA * A)^+) R ("Generic Attention-model
    Explainability", arXiv 2103.15679, equations 5 and 6).

    Args:
        model: a `ViT` or another model whose layers follow one another from the first block to
            the logits, or an `AugmentedModel` around one.
        images: `(B, H, W, C)`, values 0-255.
        classes: the class to explain, one for all images or one for each; None: the predicted
            one.
        batch_size: images at a time.

    Returns:
        float32 `(B, T, T)`, 0 or more; the row of the token that the answer is read from is
        what the answer rests on (`patch_attention` lays it over the image).

    Raises:
        ValueError: for a model without blocks or of another form, images that it does not take,
            or classes that it does not have.
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


def relevance_of_batch(layers, tokens, classes):
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


def run_layers(layers, x, offsets=None):
    """Output of a chain of layers, and its blocks' attention weights with the offsets added."""
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


def layers_from(model, first):
    """The layers from `first` to the model's output; an error where they form no chain."""
    layers = model.layers[model.layers.index(first) :]
    for layer, following in pairwise(layers):
        if following.input is not layer.output:
            raise ValueError(
                "Gradients need a model whose layers follow one another from the first block on; "
                f"{following.name} does not take what {layer.name} gives."
            )
    return layers


def checked_classes(classes, count, num_classes):
    """`classes` as int `(count,)`."""
    given = np.asarray(classes)
    whole = given.dtype.kind in "iu" and given.shape in ((), (count,))
    if not whole or np.any((given < 0) | (given >= num_classes)):
        raise ValueError(
            f"`classes` must be a class of 0 to {num_classes - 1}, or one for each of {count} "
            f"images. Received: {classes}"
        )
    return np.broadcast_to(given, (count,))
