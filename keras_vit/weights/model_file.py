"""A model's file: ours, the folder of a run, or a published one."""

import os
import zipfile
from pathlib import Path

import keras

from keras_vit.weights.loading import FILES, file_in, load_checkpoint

PUBLISHED = (".npz", ".safetensors", ".bin", ".pt", ".pth")


def load_model(path):
    """Loads a `.keras` file in Keras's safe mode, or a published checkpoint.

    Args:
        path: of the file, or of the folder of a run or of a checkpoint.

    Returns:
        The `keras.Model`, not compiled.

    Raises:
        ValueError: naming the file and what is wrong with it.
    """
    file = model_file(path)
    if file.suffix in PUBLISHED:
        return load_checkpoint(file)
    if not zipfile.is_zipfile(file):
        raise ValueError(f"{file}: can't be read as a Keras model: it is damaged, or none")
    try:
        return keras.saving.load_model(file, compile=False, safe_mode=True)
    # Damaged archives, configurations and weights each raise errors of their own kinds.
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"{file}: can't be read as a Keras model: {reason}") from error


def model_file(path):
    path = Path(os.path.expanduser(path))
    if path.is_dir():
        return file_in(path, ("model.keras", *FILES))
    if not path.exists():
        raise ValueError(f"{path}: there is no such file or folder")
    if path.suffix not in (".keras", *PUBLISHED):
        raise ValueError(
            f"{path}: a .keras file, a run's folder or a checkpoint ({', '.join(PUBLISHED)}) is "
            "expected"
        )
    return path


def model_name(path):
    """What to call the model: its folder's name where the file's own says nothing."""
    path = model_file(path)
    return path.resolve().parent.name if path.stem in ("model", "pytorch_model") else path.stem
