"""A trained model for other classes: its body, and a head that starts at zero."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_vit.models.plain_weights import check_plain_weights
from keras_vit.models.resize import ResizableModel


def with_classes(
    model: ResizableModel, num_classes: int, class_names: Sequence[str] | None = None, **changes
) -> ResizableModel:
    """The same body in a new model for a data set's classes.

    Where the number of classes stays and no names speak against it, so does the head. Otherwise
    the new head starts at zero and the pre-trained one goes as a whole, `pre_logits` too
    (arXiv 2010.11929, section 3.2). All weights of the new model are trainable.

    Args:
        model: a `ViT` or `HybridViT`.
        num_classes: of the new model.
        class_names: of the new model, in the order of the labels.
        **changes: other arguments of the model that leave its weights' shapes, such as
            `drop_path` and `dtype`.

    Returns:
        A new model; the old one stays as it is.

    Raises:
        ValueError: for a quantised model, or one with low-rank factors.
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
            # Not the tensor itself: JAX gives a model's buffers away when that model runs.
            variable.assign(ops.convert_to_numpy(old[variable.path]))
    return new


def check_can_be_tuned(model: keras.Model) -> None:
    """A ValueError for a model whose head can't be replaced."""
    if not isinstance(model, ResizableModel):
        raise ValueError(
            f"a ViT or HybridViT is needed, whose head and image size can be changed, not a "
            f"{type(model).__name__}"
        )
    check_plain_weights(model)
