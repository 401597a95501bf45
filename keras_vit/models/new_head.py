"""A new model for other classes that keeps the body of a trained model."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_vit.backend.keras_private import flatten_layers
from keras_vit.models.resize import ResizableModel


def with_classes(
    model: ResizableModel, num_classes: int, class_names: Sequence[str] | None = None, **changes
) -> ResizableModel:
    """Make a new model for the classes of a data set, with the body of a trained model.

    The new model keeps the head if the number of classes is the same and the names of the classes,
    where both models have names, are the same too. Otherwise the new head starts at zero and the
    new model has no `pre_logits` layer (arXiv 2010.11929, section 3.2). All weights of the new
    model are trainable.

    Args:
        model: a `ViT` or `HybridViT`.
        num_classes: int, number of classes of the new model.
        class_names: sequence of str or None, names of the new model's classes in the order of the
            labels. Default: None.
        **changes: other arguments of the model that do not change the shapes of its weights, such
            as `drop_path` and `dtype`.

    Returns:
        A new model; the old one does not change.

    Raises:
        ValueError: if the model is quantised or has low-rank factors.
    """
    check_plain_weights(model)
    config = model.get_config()
    config.pop("frozen", None)
    config |= {"num_classes": num_classes, "class_names": class_names, **changes}
    names = model.class_names and tuple(model.class_names)
    same_names = None in (names, class_names) or names == tuple(class_names)
    keeps_head = model.num_classes == num_classes and same_names
    if not keeps_head:
        config["pre_logits"] = None
    new = type(model).from_config(config)
    old = {v.path: v for v in model.weights}
    for variable in new.weights:
        if keeps_head or not variable.path.startswith("head/"):
            # The value is copied, because JAX may reuse the memory of the old model's tensor when
            # the old model trains.
            variable.assign(ops.convert_to_numpy(old[variable.path]))
    return new


def check_can_be_tuned(model: keras.Model) -> None:
    """Raise a ValueError if the head or the image size of a model can't be changed."""
    if not isinstance(model, ResizableModel):
        raise ValueError(
            "the model must be a ViT or HybridViT, whose head and image size can be changed. "
            f"Received: a {type(model).__name__}"
        )
    check_plain_weights(model)


def check_plain_weights(model: keras.Model) -> None:
    """Raise a ValueError if a model is quantised or has low-rank factors.

    The variables of such a model have the paths of plain weights, but other values.

    Args:
        model: any Keras model.
    """
    layers = flatten_layers(model)
    if quantised := [x.path for x in layers if getattr(x, "quantization_mode", None)]:
        raise ValueError(
            "A quantised model does not hold its original weights; take the model before it was "
            f"quantised. Received: quantised layers {', '.join(quantised[:3])}"
        )
    if tuned := [x.path for x in layers if getattr(x, "lora_enabled", False)]:
        raise ValueError(
            "Low-rank factors are not part of the model's kernels; take "
            "keras_vit.train.lora.without_lora(model). "
            f"Received: low-rank factors in {', '.join(tuned[:3])}"
        )
