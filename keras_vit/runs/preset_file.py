"""A preset in a file: what a search writes and the recipes' `--config` reads."""

import contextlib
import dataclasses
import inspect
import math
import types
import typing
from collections.abc import Mapping

from keras_vit.files import read_json, write_json
from keras_vit.runs.build import model_class
from keras_vit.runs.preset import Preset

IN_JSON = {float: (int, float), tuple: (list,), Mapping: (dict,)}


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
        check_types(values)
        for name, value in values.items():
            check_finite(name, value)
        preset = Preset(**values)
        check_model(preset)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no preset: {error}") from error
    return preset


@contextlib.contextmanager
def naming_preset(path):
    """A ValueError that names the file of a preset of whose values nothing can be made.

    `read_preset` can't see it: what the model's arguments may be is the model's to know.

    Args:
        path: of the file; None where the preset is of no file.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        if path is None:
            raise
        raise ValueError(f"{path} holds a preset that can't be built: {error}") from error


def check_types(values):
    """A ValueError for a value of a type that the preset's attribute can't have."""
    if not isinstance(values, dict):
        raise ValueError(f"it must be an object with a preset's attributes, not {values!r:.40}")
    for name, hint in typing.get_type_hints(Preset).items():
        parts = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        kinds = [typing.get_origin(part) or part for part in parts]
        allowed = tuple(kind for k in kinds for kind in IN_JSON.get(k, (k,)))
        value = values.get(name)
        wrong_bool = isinstance(value, bool) and bool not in allowed  # a bool is an int, too
        if name in values and (wrong_bool or not isinstance(value, allowed)):
            raise ValueError(f"{name} can't be {value!r}")


def check_finite(name, value):
    """A ValueError for a number that is not finite, at any depth; JSON proper has none."""
    if isinstance(value, dict):
        for key, part in value.items():
            check_finite(f"{name}.{key}", part)
    elif isinstance(value, list):
        for part in value:
            check_finite(name, part)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} can't be {value}")


def check_model(preset):
    """A ValueError for a model class or an argument of it that there is not."""
    # Those four come from the data and from the preset itself.
    own = set(inspect.signature(model_class(preset.model_class)).parameters)
    own -= {"image_shape", "num_classes", "class_names", "dtype"}
    unknown = set(preset.model) - own
    if unknown:
        raise ValueError(
            f"{preset.model_class} has no {', '.join(sorted(unknown))} to be set in a preset"
        )
