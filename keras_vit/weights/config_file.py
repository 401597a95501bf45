"""What `config.json` and `preprocessor_config.json` beside a checkpoint tell of its model."""

import re

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


def read_config(path):
    """Arguments of `load_checkpoint` and `ViT` from the files beside a checkpoint.

    Args:
        path: a `pathlib.Path`, of the checkpoint.

    Returns:
        A dict with any of `image_size` (height, width), `num_heads`, `activation`,
        `layer_norm_epsilon`, `pool`, `class_names`, `rescaling`; the last alone where there is an
        image processor's file and no config of timm's or Hugging Face's, and nothing without.

    Raises:
        ValueError: naming a config that asks for what `ViT` has not.
    """
    file = path.with_name("config.json")
    config = read_json(file) if file.is_file() else {}
    config = config if isinstance(config, dict) else {}
    try:
        if "model_type" in config:
            return from_huggingface(file, config)
        if "architecture" in config:
            return from_timm(file, config)
        rescaling = preprocessing(path)
        return {"rescaling": rescaling} if rescaling else {}
    except (AttributeError, IndexError, KeyError, TypeError, ZeroDivisionError) as error:
        raise ValueError(
            f"{path.parent}: config.json or preprocessor_config.json is not as its library writes "
            f"it: {error!r}"
        ) from error


def from_huggingface(file, config):
    size = config.get("image_size")
    names = config.get("id2label") or {}
    found = {
        "image_size": tuple(size) if isinstance(size, list) else size and (size, size),
        "num_heads": config.get("num_attention_heads"),
        "activation": activation(file, config.get("hidden_act", "gelu")),
        "layer_norm_epsilon": config.get("layer_norm_eps"),
        "class_names": class_names([names[str(i)] for i in range(len(names))]),
        "rescaling": preprocessing(file)
        or (rescaling_of(**IMAGENET) if config["model_type"].startswith("dinov2") else None),
    }
    return {key: value for key, value in found.items() if value}


def preprocessing(beside):
    """The rescaling of the Hugging Face image processor beside a file; None without one."""
    file = beside.with_name("preprocessor_config.json")
    if not file.is_file():
        return None
    config = read_json(file)
    # Without `do_rescale` its user brings the pixels to 0-1, from the 0-255 that they are here.
    factor = config.get("rescale_factor") or 1 / 255
    if not config.get("do_normalize", True):
        return (factor, 0.0)
    mean, std = (config.get(key) or HALF for key in ("image_mean", "image_std"))
    if not isinstance(mean, (list, tuple)):  # one for all channels
        mean, std = (mean,) * 3, (std,) * 3
    return rescaling_of(mean, std, factor)


def from_timm(file, config):
    arguments = config.get("model_args") or {}
    preprocess = config.get("pretrained_cfg") or config  # of one level, as timm wrote it first
    size = arguments.get("img_size") or (preprocess.get("input_size") or [None])[1:] or None
    pool = config.get("global_pool") or arguments.get("global_pool") or ""
    if pool and pool not in POOLS:
        raise ValueError(f"{file}: global_pool={pool!r} is not supported: only token and avg are")
    if arguments.get("pool_include_prefix"):
        raise ValueError(f"{file}: pool_include_prefix is not supported")
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
        raise ValueError(f"{file}: the activation {name!r} is not supported: {list(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def class_names(names):
    """The names as a tuple; None where they are only counted."""
    if not names or all(re.fullmatch(r"LABEL_\d+", name) for name in names):
        return None
    return tuple(names)
