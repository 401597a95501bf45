"""A preset in a JSON file, which a search writes and the option `--config` reads."""

import contextlib
import dataclasses
import inspect
import math
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path

from keras_vit.files import read_json, write_json
from keras_vit.runs.build import model_class
from keras_vit.runs.preset import Preset

IN_JSON = {float: (int, float), tuple: (list,), Mapping: (dict,)}
JSON_NAMES = {
    float: "a number",
    int: "an integer",
    str: "a string",
    bool: "true or false",
    tuple: "a list",
    Mapping: "an object",
    types.NoneType: "null",
}
NOT_IN_MODEL = {"image_shape", "num_classes", "class_names", "dtype"}


def write_preset(path: Path, preset: Preset) -> None:
    """Write a `Preset` as JSON, whole or not at all."""
    write_json(path, dataclasses.asdict(preset))


def read_preset(path: Path) -> Preset:
    """Read a `Preset` from a JSON file, an object of the preset's attributes by name.

    Args:
        path: Path, the file.

    Raises:
        ValueError: if the file can't be read or does not hold a preset; the error names the file
            and what is wrong in it.
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
        raise ValueError(f"{path} does not hold a preset: {error}") from error
    return preset


@contextlib.contextmanager
def naming_preset(path: Path | None) -> Iterator[None]:
    """Context manager that adds the preset's file to an error of building the preset.

    `read_preset` can't find such an error, because only the model's constructor knows which
    arguments it accepts.

    Args:
        path: Path of the file, or None for a preset that is from no file.

    Raises:
        ValueError: if the code inside raises a ValueError or TypeError and there is a file.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        if path is None:
            raise
        raise ValueError(f"{path} holds a preset that can't be built: {error}") from error


def check_types(values: dict) -> None:
    """Raise a ValueError if a value does not have the type of the preset's attribute."""
    if not isinstance(values, dict):
        raise ValueError(
            f"it must be a JSON object of the preset's attributes. Received: {values!r:.40}"
        )
    for name, hint in typing.get_type_hints(Preset).items():
        parts = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        wanted = [typing.get_origin(part) or part for part in parts]
        allowed = tuple(json_type for t in wanted for json_type in IN_JSON.get(t, (t,)))
        value = values.get(name)
        # In Python a bool is an int too.
        wrong_bool = isinstance(value, bool) and bool not in allowed
        if name in values and (wrong_bool or not isinstance(value, allowed)):
            names = " or ".join(JSON_NAMES.get(t, t.__name__) for t in wanted)
            raise ValueError(f"`{name}` must be {names}. Received: {name}={value!r}")


def check_finite(name: str, value) -> None:
    """Raise a ValueError for a number that is not finite, at any depth.

    Python's JSON reader accepts such numbers, although JSON has none.
    """
    if isinstance(value, dict):
        for key, part in value.items():
            check_finite(f"{name}.{key}", part)
    elif isinstance(value, list):
        for part in value:
            check_finite(name, part)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"`{name}` must be finite. Received: {name}={value}")


def check_model(preset: Preset) -> None:
    """Raise a ValueError for an unknown model class, or an argument that a preset can't set."""
    accepted = set(inspect.signature(model_class(preset.model_class)).parameters)
    # The data and the preset itself determine these four arguments.
    accepted -= NOT_IN_MODEL
    unknown = set(preset.model) - accepted
    if unknown:
        raise ValueError(
            f"`model` must hold arguments of {preset.model_class}, and none of "
            f"{', '.join(sorted(NOT_IN_MODEL))}. Received: {', '.join(sorted(unknown))}"
        )
