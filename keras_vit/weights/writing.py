"""The steps that `to_timm` and `to_huggingface` share."""

import os
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vit.files import write_json
from keras_vit.models import ViT
from keras_vit.models.intermediates import plain_model
from keras_vit.models.new_head import check_plain_weights
from keras_vit.weights.layouts import Rule

# Arguments of `ViT` that neither library has, each with the value that means "without".
ONLY_IN_KERAS_VIT = {"relative_positions": None, "pre_logits": None}


def exportable_vit(model: keras.Model, library: str, **required: Any) -> ViT:
    """Return the plain `ViT` of a model if another library can represent it.

    Args:
        model: `ViT`, or an `AugmentedModel` around one.
        library: str, name of the library, for messages.
        **required: arguments of `ViT`, each with the only value that the library has.

    Returns:
        The `ViT`.

    Raises:
        ValueError: If the library can't represent the model.
    """
    model = plain_model(model)
    if not isinstance(model, ViT):
        raise ValueError(f"Only a ViT can be written for {library}. Received: {model!r}")
    check_plain_weights(model)
    if model.patch_embedding == "stem":
        raise ValueError(
            f"{library} can't represent this model: `patch_embedding` must be 'linear' or 'conv'. "
            f"Received: patch_embedding='stem'"
        )
    if model.pool == "max":
        raise ValueError(
            f"{library} can't represent this model: `pool` must be 'token' or 'mean'. "
            "Received: pool='max'"
        )
    for name, value in {**ONLY_IN_KERAS_VIT, **required}.items():
        if getattr(model, name) != value:
            raise ValueError(
                f"{library} can't represent this model: `{name}` must be {value!r}. "
                f"Received: {name}={getattr(model, name)!r}"
            )
    return model


def torch_tensors(model: ViT, rules: list[Rule]) -> dict[str, np.ndarray]:
    """Convert the weights of a model to the tensors of another library.

    Args:
        model: `ViT`.
        rules: list of `Rule` of the library.

    Returns:
        A dict from the names of the tensors to float32 arrays; it holds no positions.
    """
    weights = {weight.path: weight for weight in model.weights}
    tensors = {}
    for rule in rules:
        arrays = rule.layout.write(ops.convert_to_numpy(weights[rule.weight_path]))
        tensors |= zip(rule.tensor_names, arrays, strict=True)
    return tensors


def all_positions(model: ViT) -> np.ndarray | None:
    """Return the positions of class token, registers and patches.

    Registers have no positions in this package, so the function returns zeros for them.

    Args:
        model: `ViT`.

    Returns:
        A float32 array of shape `(1, T, D)`, or `None` if the model has no positions.
    """
    table = model.get_layer("patch_encoder").token_positions()
    if table is None:
        return None
    first = int(model.class_token)
    registers = np.zeros((model.num_registers, model.hidden_dim), "float32")
    return np.concatenate([table[:first], registers, table[first:]])[np.newaxis]


def activation_name(model: ViT, library: str, names: dict[str, str]) -> str:
    """Return the name that another library has for a model's activation.

    Args:
        model: `ViT`.
        library: str, name of the library, for the message.
        names: dict from Keras's names, or registered names such as "keras_vit>gelu_tanh", to the
            names in the library.

    Returns:
        The name in the library.

    Raises:
        ValueError: If the library has no such activation.
    """
    activation = model.activation
    name = activation["config"] if isinstance(activation, dict) else activation
    if name not in names:
        raise ValueError(
            f"{library} can't represent this model: `activation` must be one of {list(names)}. "
            f"Received: activation={name!r}"
        )
    return names[name]


def mean_and_std(model: ViT) -> tuple[list[float], list[float]]:
    """Return the mean and standard deviation by which a model normalises pixels from 0 to 1.

    Args:
        model: `ViT`.

    Returns:
        The pair (mean, standard deviation), each a list with a float for each channel.
    """
    channels = model.image_shape[2]
    scale, offset = (np.broadcast_to(value, (channels,)) for value in model.rescaling)
    std = 1 / (255 * scale)
    return [float(x) for x in -offset * std], [float(x) for x in std]


def write_folder(
    folder: str | os.PathLike, tensors: dict[str, np.ndarray], configs: dict[str, dict]
) -> Path:
    """Write `model.safetensors` and JSON files into a new folder.

    After an error, the folder does not exist.

    Args:
        folder: str or path, the new folder.
        tensors: dict from names to float32 arrays.
        configs: dict from the names of JSON files to their content.

    Returns:
        The `pathlib.Path` of the folder.

    Raises:
        ValueError: If the folder exists already.
    """
    from safetensors.numpy import save_file

    folder = Path(folder)
    if folder.exists():
        raise ValueError(
            f"`folder` must not exist yet. Received: folder={str(folder)!r}, which exists"
        )
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".draft-") as draft:
        inside = Path(draft, folder.name)
        inside.mkdir()
        contiguous = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
        save_file(contiguous, inside / "model.safetensors", {"format": "pt"})
        for name, config in configs.items():
            write_json(inside / name, config)
        os.replace(inside, folder)
    return folder
