"""layers with their shapes and parameters, image size, classes, settings"""

import keras

from keras_vit.models.intermediates import plain_model
from keras_vit.weights.model_file import load_model, model_name

CLASSES_SHOWN = 20


def add_arguments(parser):
    pass


def run(flags):
    model = plain_model(load_model(flags.model))
    model.summary()
    print(f"model:      {model_name(flags.model)}, a {type(model).__name__}")
    print(f"takes:      {shown(model.input_shape)}, gives {shown(model.output_shape)}")
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


def shown(shape):
    """A shape with B for the batch; several of them as they are."""
    if isinstance(shape, tuple) and shape and shape[0] is None:
        return f"({', '.join(['B', *map(str, shape[1:])])})"
    return str(shape)


def own_settings(model):
    """The arguments that made the model, where it is more than a graph of layers."""
    if type(model) in (keras.Model, keras.Sequential):
        return {}
    if type(model).__name__ == "Functional":
        return {}
    config = model.get_config()
    config["dtype"] = model.dtype_policy.name
    return {key: value for key, value in config.items() if key not in ("class_names", "name")}
