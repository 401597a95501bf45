"""The model that fine-tuning begins with."""

from keras_vit.files import whole_file
from keras_vit.models.new_head import check_can_be_tuned
from keras_vit.weights.model_file import load_model, model_file


def starting_model(settings, folder, resuming):
    """The checkpoint that a run starts from, at the run's image size.

    Args:
        settings: of the run.
        folder: its `RunFolder`.
        resuming: whether the run goes on, with the copy that it made: the file itself may have
            changed since.

    Returns:
        A `ViT` or `HybridViT`, with the checkpoint's head; None for a run of a new model.

    Raises:
        ValueError: naming a checkpoint that can't be read, is none of these models, or whose
            patches do not divide the image size; or one that the run would write over.
    """
    if settings.get("checkpoint") is None:
        return None
    if resuming and folder.starting_model.exists():
        return load_model(folder.starting_model)
    checkpoint = model_file(settings["checkpoint"]).resolve()
    if checkpoint == folder.model.resolve():
        raise ValueError(f"{folder.path} holds the checkpoint itself: name another --out")
    model = load_model(checkpoint)
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
