"""A model that returns the output of every stage by name."""

import re

import keras


def intermediates(model: keras.Model) -> keras.Model:
    """Make a model that shares the layers of another and returns the output of every stage.

    Args:
        model: a `ViT`, another model whose layers have the names below, or an `AugmentedModel`
            around such a model.

    Returns:
        A `keras.Model` from the same images to a dict. Its entries are `patch_encoder`, `block_0`,
        `block_1` and so on, of shape `(B, T, D)`; `pooled`, `(B, D)`; for a model with a head
        `logits`, `(B, num_classes)`; and for a hybrid `backbone`, `(B, H, W, C)`.

    Raises:
        ValueError: if the model has none of those layers.
    """
    model = plain_model(model)
    names = [layer.name for layer in getattr(model, "layers", [])]
    stages = [n for n in names if re.fullmatch(r"backbone|patch_encoder|block_\d+|pooled", n)]
    if not stages:
        raise ValueError(
            "`intermediates` needs a model with Transformer blocks or a layer named patch_encoder, "
            f"pooled or backbone. Received: {model!r}"
        )
    outputs = {name: model.get_layer(name).output for name in stages}
    if "head" in names:
        outputs["logits"] = model.output
    return keras.Model(model.input, outputs, name=f"{model.name}_intermediates")


def plain_model(model: keras.Model) -> keras.Model:
    """Return the model that an `AugmentedModel` trains, or any other model as it is."""
    return getattr(model, "model", model)
