import re

import keras


def intermediates(model: keras.Model) -> keras.Model:
    """The same model, with every stage's output by name.

    Args:
        model: a `ViT` or another model with stages of those names, or an `AugmentedModel` around
            one.

    Returns:
        A `keras.Model` from the same images to a dict: `patch_encoder` and `block_0` ... of
        shape `(B, T, D)`, `pooled` `(B, D)`, with a head `logits` `(B, num_classes)`, and of a
        hybrid `backbone` `(B, H, W, C)`.

    Raises:
        ValueError: for a model without those layers.
    """
    model = plain_model(model)
    names = [layer.name for layer in getattr(model, "layers", [])]
    stages = [n for n in names if re.fullmatch(r"backbone|patch_encoder|block_\d+|pooled", n)]
    if not stages:
        raise ValueError(f"A model without Transformer blocks has no intermediates: {model!r}")
    outputs = {name: model.get_layer(name).output for name in stages}
    if "head" in names:
        outputs["logits"] = model.output
    return keras.Model(model.input, outputs, name=f"{model.name}_intermediates")


def plain_model(model):
    """The classifier itself: what an `AugmentedModel` wraps, any other model as it is."""
    return getattr(model, "model", model)
