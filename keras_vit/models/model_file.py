"""A model's file, and the folder of a run that holds one."""

import os
import zipfile
from pathlib import Path

import keras


def load_model(path):
    """Loads a `.keras` file, or the `model.keras` of a run's folder, in Keras's safe mode.

    Args:
        path: of the file or the folder.

    Returns:
        The `keras.Model`, not compiled.

    Raises:
        ValueError: naming the file and what is wrong with it.
    """
    file = model_file(path)
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
        if not (path / "model.keras").is_file():
            raise ValueError(f"{path}: a folder without a model.keras")
        return path / "model.keras"
    if not path.exists():
        raise ValueError(f"{path}: there is no such file or folder")
    if path.suffix != ".keras":
        raise ValueError(f"{path}: a .keras file or a run's folder is expected")
    return path


def model_name(path):
    """What to call the model: its folder's name for a run's, else the file's own."""
    path = model_file(path)
    return path.resolve().parent.name if path.name == "model.keras" else path.stem
