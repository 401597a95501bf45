"""print a model's layers with shapes and parameters, its image size, classes and settings"""

import argparse

import keras

from keras_vit.models.intermediates import plain_model
from keras_vit.weights.model_file import load_model, model_name

CLASSES_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add no flags: the command takes only the model."""


def run(flags: argparse.Namespace) -> None:
    """Print the summary of the model in `flags.model`."""
    model = plain_model(load_model(flags.model))
    model.summary()
    print(f"model:      {model_name(flags.model)}, a {type(model).__name__}")
    input_shape, output_shape = shape_text(model.input_shape), shape_text(model.output_shape)
    print(f"takes:      {input_shape}, gives {output_shape}")
    print(f"parameters: {model.count_params():,}")
    names = getattr(model, "class_names", None)
    if names:
        more = f" and {len(names) - CLASSES_SHOWN} more" if len(names) > CLASSES_SHOWN else ""
        print(f"classes:    {len(names)}: {', '.join(names[:CLASSES_SHOWN])}{more}")
    settings = own_settings(model)
    if settings:
        print("settings:")
        for key, value in settings.items():
            print(f"  {key}: {value}")


def shape_text(shape) -> str:
    """Write a shape with B for the batch, and anything but a single shape as it is."""
    if isinstance(shape, tuple) and shape and shape[0] is None:
        return f"({', '.join(['B', *map(str, shape[1:])])})"
    return str(shape)


def own_settings(model: keras.Model) -> dict:
    """Return the constructor's arguments of a model; a plain graph of layers has none."""
    if type(model) in (keras.Model, keras.Sequential):
        return {}
    if type(model).__name__ == "Functional":
        return {}
    config = model.get_config()
    config["dtype"] = model.dtype_policy.name
    return {key: value for key, value in config.items() if key not in ("class_names", "name")}
