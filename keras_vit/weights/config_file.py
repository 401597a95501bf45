"""Reading of the files `config.json` and `preprocessor_config.json` beside a checkpoint."""

import re
from pathlib import Path

from keras_vit.files import read_json
from keras_vit.layers.activations import gelu_tanh
from keras_vit.layers.rescaling import rescaling_of

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": gelu_tanh,
    "gelu_pytorch_tanh": gelu_tanh,
    "gelu_tanh": gelu_tanh,
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
HALF = (0.5, 0.5, 0.5)
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
POOLS = {"token": "token", "avg": "mean"}


def read_config(path: Path) -> dict:
    """Read the arguments of `load_checkpoint` and `ViT` from the files beside a checkpoint.

    Args:
        path: Path, the checkpoint.

    Returns:
        A dict with any of `image_size` (height, width), `num_heads`, `activation`,
        `layer_norm_epsilon`, `pool`, `class_names` and `rescaling`. It holds at most `rescaling`
        if `config.json` is missing or is neither timm's nor Hugging Face's.

    Raises:
        ValueError: If a file is damaged, or asks for something that `ViT` does not have.
    """
    file = path.with_name("config.json")
    config = read_json(file) if file.is_file() else {}
    config = config if isinstance(config, dict) else {}
    try:
        if "model_type" in config:
            return huggingface_arguments(file, config)
        if "architecture" in config:
            return timm_arguments(file, config)
        rescaling = processor_rescaling(path)
        return {"rescaling": rescaling} if rescaling else {}
    except (AttributeError, IndexError, KeyError, TypeError, ZeroDivisionError) as error:
        raise ValueError(
            f"{path.parent}: config.json and preprocessor_config.json must have the form that "
            f"timm or Hugging Face writes. Received: {error!r} while reading them"
        ) from error


def huggingface_arguments(file: Path, config: dict) -> dict:
    """Return the arguments that Hugging Face's `config.json` and its image processor give."""
    size = config.get("image_size")
    names = config.get("id2label") or {}
    found = {
        "image_size": tuple(size) if isinstance(size, list) else size and (size, size),
        "num_heads": config.get("num_attention_heads"),
        "activation": activation(file, config.get("hidden_act", "gelu")),
        "layer_norm_epsilon": config.get("layer_norm_eps"),
        "class_names": class_names([names[str(i)] for i in range(len(names))]),
        "rescaling": processor_rescaling(file)
        or (rescaling_of(**IMAGENET) if config["model_type"].startswith("dinov2") else None),
    }
    return {key: value for key, value in found.items() if value}


def processor_rescaling(path: Path) -> tuple | None:
    """Return the rescaling of Hugging Face's image processor.

    Args:
        path: Path, a file in the folder of `preprocessor_config.json`.

    Returns:
        A pair (scale, offset) as in `ViT`, or `None` if the folder has no image processor.
    """
    file = path.with_name("preprocessor_config.json")
    if not file.is_file():
        return None
    config = read_json(file)
    # Without `do_rescale`, users of the processor must bring the pixels to 0-1 themselves. Pixels
    # are 0-255 in this package, so the model does it.
    factor = config.get("rescale_factor") or 1 / 255
    if not config.get("do_normalize", True):
        return (factor, 0.0)
    mean, std = (config.get(key) or HALF for key in ("image_mean", "image_std"))
    if not isinstance(mean, (list, tuple)):  # the processor may give one number for all channels
        mean, std = (mean,) * 3, (std,) * 3
    return rescaling_of(mean, std, factor)


def timm_arguments(file: Path, config: dict) -> dict:
    """Return the arguments that timm's `config.json` gives."""
    arguments = config.get("model_args") or {}
    # The first configs of timm have no `pretrained_cfg`; its entries stand in the config itself.
    preprocess = config.get("pretrained_cfg") or config
    size = arguments.get("img_size") or (preprocess.get("input_size") or [None])[1:] or None
    pool = config.get("global_pool") or arguments.get("global_pool") or ""
    if pool and pool not in POOLS:
        raise ValueError(
            f"{file}: `global_pool` must be one of {list(POOLS)}. Received: global_pool={pool!r}"
        )
    if arguments.get("pool_include_prefix"):
        raise ValueError(
            f"{file}: `pool_include_prefix` must be false, because the mean of a ViT leaves out "
            f"its class token and registers. "
            f"Received: pool_include_prefix={arguments['pool_include_prefix']!r}"
        )
    found = {
        "image_size": (size, size) if isinstance(size, int) else size and tuple(size),
        "num_heads": arguments.get("num_heads"),
        "activation": activation(file, arguments.get("act_layer") or "gelu"),
        "pool": POOLS.get(pool),
        "class_names": class_names(config.get("label_names") or config.get("labels")),
        "rescaling": rescaling_of(preprocess["mean"], preprocess["std"])
        if {"mean", "std"} <= preprocess.keys()
        else None,
    }
    return {key: value for key, value in found.items() if value}


def activation(file, name):
    if name not in ACTIVATIONS:
        raise ValueError(
            f"{file}: the activation must be one of {list(ACTIVATIONS)}. Received: {name!r}"
        )
    return ACTIVATIONS[name]


def class_names(names):
    """Return the names as a tuple, or None if they are only Hugging Face's LABEL_0, LABEL_1, …"""
    if not names or all(re.fullmatch(r"LABEL_\d+", name) for name in names):
        return None
    return tuple(names)
