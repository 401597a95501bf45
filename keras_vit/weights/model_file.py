"""Loading of a model from a `.keras` file, the folder of a run, or a published checkpoint."""

import os
import zipfile
from pathlib import Path

import keras

from keras_vit.weights.loading import CHECKPOINT_FILES, file_in, load_checkpoint

CHECKPOINT_SUFFIXES = (".npz", ".safetensors", ".bin", ".pt", ".pth")


def load_model(path: str | os.PathLike) -> keras.Model:
    """Load a `.keras` file in Keras's safe mode, or a published checkpoint.

    Args:
        path: str or path, the file, or the folder of a run or of a checkpoint.

    Returns:
        The `keras.Model`, not compiled.

    Raises:
        ValueError: If the file can't be used; the message names it and the reason.
    """
    file = model_file(path)
    if file.suffix in CHECKPOINT_SUFFIXES:
        return load_checkpoint(file)
    if not zipfile.is_zipfile(file):
        raise ValueError(
            f"{file}: Keras can't read this file as a model: it is not a .keras file, or it is "
            f"damaged"
        )
    try:
        return keras.saving.load_model(file, compile=False, safe_mode=True)
    # Damaged archives, configs and weights raise errors of different types.
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"{file}: Keras can't read this file as a model: {reason}") from error


def model_file(path: str | os.PathLike) -> Path:
    """Find the file of a model.

    Args:
        path: str or path, the file, or the folder of a run or of a checkpoint.

    Returns:
        The `pathlib.Path` of the file.

    Raises:
        ValueError: If there is no such file, or its suffix is not that of a model.
    """
    path = Path(os.path.expanduser(path))
    if path.is_dir():
        return file_in(path, ("model.keras", *CHECKPOINT_FILES))
    if not path.exists():
        raise ValueError(f"{path}: there is no such file or folder")
    if path.suffix not in (".keras", *CHECKPOINT_SUFFIXES):
        raise ValueError(
            f"{path}: the model must be a .keras file, a run's folder or a checkpoint "
            f"({', '.join(CHECKPOINT_SUFFIXES)}). Received: a file with the suffix {path.suffix!r}"
        )
    return path


def model_name(path: str | os.PathLike) -> str:
    """Return a name for a model.

    Args:
        path: str or path, the file, or the folder of a run or of a checkpoint.

    Returns:
        The name of the file without its suffix, or the name of its folder if the file has a
        standard name such as `model.keras`.
    """
    path = model_file(path)
    return path.resolve().parent.name if path.stem in ("model", "pytorch_model") else path.stem
