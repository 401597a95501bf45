"""The model that fine-tuning begins with."""

from keras_vit.files import whole_file
from keras_vit.models.new_head import check_can_be_tuned
from keras_vit.weights.model_file import load_model


def starting_model(settings, kept=None):
    """The checkpoint that a run starts from, at the run's image size.

    Args:
        settings: of the run.
        kept: path of the copy that a run which goes on made of it: the file itself may have
            changed since. None for a new run.

    Returns:
        A `ViT` or `HybridViT`, with the checkpoint's head; None for a run of a new model.

    Raises:
        ValueError: naming a checkpoint that can't be read, is none of these models, or whose
            patches do not divide the image size.
    """
    if settings.get("checkpoint") is None:
        return None
    if kept is not None and kept.exists():
        return load_model(kept)
    model = load_model(settings["checkpoint"])
    try:
        check_can_be_tuned(model)
        size = settings["image_size"]
        return model.resized((size, size, model.image_shape[2])) if size else model
    except ValueError as error:
        raise ValueError(f"{settings['checkpoint']}: {error}") from error


def keep_starting_model(model, folder):
    """Puts a copy of the model into the folder of its run, for as long as that runs."""
    folder.checkpoint.mkdir(exist_ok=True)
    with whole_file(folder.starting_model) as draft:
        model.save(draft)
