"""`to_timm`, which writes a `ViT` as a checkpoint of timm."""

import math
import os
from pathlib import Path

import keras

from keras_vit.models import ViT
from keras_vit.weights.timm import timm_rules
from keras_vit.weights.writing import (
    activation_name,
    all_positions,
    exportable_vit,
    mean_and_std,
    torch_tensors,
    write_folder,
)

ACTIVATIONS = {"gelu": "gelu", "keras_vit>gelu_tanh": "gelu_tanh", "relu": "relu", "silu": "silu"}
POOLS = {"token": "token", "mean": "avg"}


def to_timm(model: keras.Model, folder: str | os.PathLike) -> Path:
    """Write a `ViT` as a checkpoint of timm.

    `timm.create_model("local-dir:FOLDER", pretrained=True)` loads it and gives the same logits.
    `load_checkpoint(FOLDER)` reads back the same weights.

    Args:
        model: `ViT` with a linear or convolutional patch embedding, or an `AugmentedModel` around
            one.
        folder: str or path, the new folder for `model.safetensors` and `config.json`.

    Returns:
        The `pathlib.Path` of the folder.

    Raises:
        ValueError: If timm's VisionTransformer can't represent the model, or the folder exists.
    """
    model = exportable_vit(model, "timm", layer_norm_epsilon=1e-6)
    config = model.get_config()
    tensors = torch_tensors(model, timm_rules(config, model.image_shape[2]))
    positions = all_positions(model)
    if positions is not None:
        tensors["pos_embed"] = positions
    return write_folder(folder, tensors, {"config.json": timm_config(model)})


def timm_config(model: ViT) -> dict:
    """Return the `config.json` from which timm builds the model.

    Args:
        model: `ViT`.

    Returns:
        A dict, the content of the file.
    """
    height, width, channels = model.image_shape
    mean, std = mean_and_std(model)
    arguments = {
        "img_size": [height, width],
        "patch_size": list(model.patch_size),
        "in_chans": channels,
        "embed_dim": model.hidden_dim,
        "global_pool": POOLS[model.pool],
        "depth": model.depth,
        "num_heads": model.num_heads,
        "mlp_ratio": mlp_ratio(model.mlp_dim, model.hidden_dim),
        "class_token": model.class_token,
        "reg_tokens": model.num_registers,
        "pos_embed": "none" if model.positions is None else "learn",
        "init_values": model.layer_scale,
        "qk_norm": model.qk_norm,
        "fc_norm": model.fc_norm,
        "act_layer": activation_name(model, "timm", ACTIVATIONS),
    }
    names = {} if model.class_names is None else {"label_names": list(model.class_names)}
    return {
        # Any plain ViT of timm would do here, because `model_args` replace all its arguments.
        "architecture": "vit_base_patch16_224",
        "num_classes": model.num_classes,
        "num_features": model.hidden_dim,
        "global_pool": POOLS[model.pool],
        "model_args": arguments,
        **names,
        "pretrained_cfg": {
            "input_size": [channels, height, width],
            "fixed_input_size": True,
            "mean": mean,
            "std": std,
            "num_classes": model.num_classes,
            "first_conv": "patch_embed.proj",
            "classifier": "head",
        },
    }


def mlp_ratio(mlp_dim, hidden_dim):
    """Return a float with `int(hidden_dim * ratio) == mlp_dim`, which is how timm uses it."""
    value = mlp_dim / hidden_dim
    return value if int(hidden_dim * value) == mlp_dim else math.nextafter(value, math.inf)
