"""What both ways out have in common: a folder with `model.safetensors` and `config.json`."""

import os
import tempfile
from pathlib import Path

import numpy as np
from keras import ops

from keras_vit.files import write_json
from keras_vit.models import ViT
from keras_vit.models.intermediates import plain_model
from keras_vit.models.plain_weights import check_plain_weights

# `ViT` arguments that neither library has; the names are what a user knows them by.
NOT_ELSEWHERE = {"relative_positions": None, "pre_logits": None}


def writable(model, library, **only):
    """The plain `ViT` of a model; a ValueError for one that a library has not.

    Args:
        model: a `ViT`, or an `AugmentedModel` around one.
        library: its name, for the message.
        **only: arguments of `ViT`, each with the one value that the library has.
    """
    model = plain_model(model)
    if not isinstance(model, ViT):
        raise ValueError(f"Only a ViT can be written for {library}. Received: {model!r}")
    check_plain_weights(model)
    if model.patch_embedding == "stem":
        raise ValueError(f"{library} has no patch_embedding='stem'.")
    for name, value in {**NOT_ELSEWHERE, **only}.items():
        if getattr(model, name) != value:
            raise ValueError(f"{library} has no {name}={getattr(model, name)!r}, only {value!r}.")
    return model


def torch_tensors(model, rules):
    """A `ViT`'s weights as the tensors of another library, a dict by name, without positions."""
    weights = {weight.path: weight for weight in model.weights}
    tensors = {}
    for rule in rules:
        arrays = rule.layout.write(ops.convert_to_numpy(weights[rule.ours]))
        tensors |= zip(rule.theirs, arrays, strict=True)
    return tensors


def positions_of_all(model):
    """Positions `(1, T, D)` of class token, registers and patches; None where there are none."""
    table = model.get_layer("patch_encoder").token_positions()
    if table is None:
        return None
    first = int(model.class_token)
    registers = np.zeros((model.num_registers, model.hidden_dim), "float32")
    return np.concatenate([table[:first], registers, table[first:]])[np.newaxis]


def activation_name(model, names):
    """What another library calls a `ViT`'s activation; names by ours, registered ones too."""
    activation = model.activation
    own = activation["config"] if isinstance(activation, dict) else activation
    if own not in names:
        raise ValueError(f"There is no name elsewhere for activation={own!r}: {list(names)}")
    return names[own]


def mean_and_std(model):
    """Mean and deviation, a channel each, by which a `ViT` normalises pixels brought to 0-1."""
    channels = model.image_shape[2]
    scale, offset = (np.broadcast_to(value, (channels,)) for value in model.rescaling)
    std = 1 / (255 * scale)
    return [float(x) for x in -offset * std], [float(x) for x in std]


def write_folder(folder, tensors, configs):
    """Writes `model.safetensors` and JSON files into a new folder, all or nothing.

    Args:
        folder: path, where nothing is yet.
        tensors: float32 arrays by name.
        configs: dicts by file name.
    """
    from safetensors.numpy import save_file

    folder = Path(folder)
    if folder.exists():
        raise ValueError(f"{folder} is there already: name a new folder")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".draft-") as draft:
        inside = Path(draft, folder.name)
        inside.mkdir()
        contiguous = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
        save_file(contiguous, inside / "model.safetensors", {"format": "pt"})
        for name, config in configs.items():
            write_json(inside / name, config)
        os.replace(inside, folder)
    return folder
