"""A preset in a file: what a search writes and the recipes' `--config` reads."""

import dataclasses
import inspect

from keras_vit import models
from keras_vit.files import read_json, write_json
from keras_vit.training.preset import Preset


def write_preset(path, preset):
    """Writes a `Preset` as JSON, whole or not at all."""
    write_json(path, dataclasses.asdict(preset))


def read_preset(path):
    """The `Preset` in a JSON file, an object with its attributes by name.

    Raises:
        ValueError: for a file that can't be read or holds no preset, naming the file and what is
            wrong in it.
    """
    try:
        values = read_json(path)
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from error
    try:
        preset = Preset(**values)
        model_class = getattr(models, preset.model_class, None)
        if model_class is None:
            raise ValueError(f"no model class {preset.model_class!r}")
        unknown = set(preset.model) - set(inspect.signature(model_class).parameters)
        if unknown:
            raise ValueError(f"{preset.model_class} has no {', '.join(sorted(unknown))}")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no preset: {error}") from error
    return preset
