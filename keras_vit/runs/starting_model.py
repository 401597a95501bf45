"""The model that fine-tuning begins with."""

import keras

from keras_vit.files import whole_file
from keras_vit.models.new_head import check_can_be_tuned
from keras_vit.runs.folder import RunFolder
from keras_vit.runs.spec import RunSpec
from keras_vit.weights.model_file import load_model, model_file


def starting_model(spec: RunSpec, folder: RunFolder, resuming: bool) -> keras.Model | None:
    """Load the checkpoint that a run starts from, at the run's image size.

    Args:
        spec: the run's specification.
        folder: its `RunFolder`.
        resuming: bool, whether the run goes on. It then takes the copy that it made when it
            started, because the file itself may have changed since.

    Returns:
        A `ViT` or `HybridViT` with the checkpoint's head; None for a run of a new model.

    Raises:
        ValueError: naming a checkpoint that can't be read, that is none of these models, whose
            patches do not divide the image size, or that the run would overwrite.
    """
    if spec.checkpoint is None:
        return None
    if resuming and folder.starting_model.exists():
        return load_model(folder.starting_model)
    checkpoint = model_file(spec.checkpoint).resolve()
    if checkpoint == folder.model.resolve():
        raise ValueError(f"{folder.path} holds the checkpoint itself: name another --out")
    model = load_model(checkpoint)
    try:
        check_can_be_tuned(model)
        size = spec.image_size
        return model.resized((size, size, model.image_shape[2])) if size else model
    except ValueError as error:
        raise ValueError(f"{spec.checkpoint}: {error}") from error


def keep_starting_model(model: keras.Model, folder: RunFolder) -> None:
    """Save a copy of the model in the folder of its run, for as long as the run goes on."""
    folder.checkpoint.mkdir(exist_ok=True)
    with whole_file(folder.starting_model) as draft:
        model.save(draft)
