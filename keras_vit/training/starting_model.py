"""The model that fine-tuning begins with."""

from pathlib import Path

from keras_vit.files import whole_file
from keras_vit.models.model_file import load_model
from keras_vit.models.new_head import check_can_be_tuned

PUBLISHED = (".npz", ".safetensors", ".pth", ".pt", ".bin")


def starting_model(settings, folder):
    """The checkpoint that a run starts from, at the run's image size.

    A run that goes on takes the copy in its own folder: the file that it was made from may have
    changed since.

    Args:
        settings: of the run.
        folder: its `RunFolder`.

    Returns:
        A `ViT` or `HybridViT`, with the checkpoint's head; None for a run of a new model.

    Raises:
        ValueError: naming a checkpoint that can't be read, is none of these models, or whose
            patches do not divide the image size.
    """
    if settings.get("checkpoint") is None:
        return None
    if folder.starting_model.exists():
        return load_model(folder.starting_model)
    model = read_checkpoint(settings["checkpoint"])
    try:
        check_can_be_tuned(model)
        size = settings["image_size"]
        return model.resized((size, size, model.image_shape[2])) if size else model
    except ValueError as error:
        raise ValueError(f"{settings['checkpoint']}: {error}") from error


def read_checkpoint(path):
    """A model out of a file of ours, a run's folder, or a published file."""
    if Path(path).suffix not in PUBLISHED:
        return load_model(path)
    from keras_vit.weights import load_checkpoint

    return load_checkpoint(path)


def keep_starting_model(model, folder):
    """Puts a copy of the model into the folder of its run, for as long as that runs."""
    folder.checkpoint.mkdir(exist_ok=True)
    with whole_file(folder.starting_model) as draft:
        model.save(draft)
