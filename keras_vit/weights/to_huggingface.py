"""`to_huggingface`, which writes a `ViT` as a checkpoint of Hugging Face's transformers."""

import os
from pathlib import Path

import keras

from keras_vit.models import ViT
from keras_vit.weights.huggingface import huggingface_name
from keras_vit.weights.timm import timm_rules
from keras_vit.weights.writing import (
    activation_name,
    all_positions,
    exportable_vit,
    mean_and_std,
    torch_tensors,
    write_folder,
)

LIBRARY = "transformers' ViT"
ACTIVATIONS = {
    "gelu": "gelu",
    "keras_vit>gelu_tanh": "gelu_pytorch_tanh",
    "relu": "relu",
    "silu": "silu",
}


def to_huggingface(model: keras.Model, folder: str | os.PathLike) -> Path:
    """Write a `ViT` as a checkpoint of Hugging Face's transformers.

    `ViTForImageClassification.from_pretrained(FOLDER)` loads it and gives the same logits; for a
    model without a head, `ViTModel.from_pretrained(FOLDER)` does. `load_checkpoint(FOLDER)` reads
    back the same weights.

    Args:
        model: `ViT` with `pool="token"` and positions, and without registers, LayerScale and
            normalised queries; or an `AugmentedModel` around one.
        folder: str or path, the new folder for `model.safetensors`, `config.json` and
            `preprocessor_config.json`.

    Returns:
        The `pathlib.Path` of the folder.

    Raises:
        ValueError: If transformers' ViT can't represent the model, or the folder exists.
    """
    required = {"pool": "token", "num_registers": 0, "layer_scale": None, "qk_norm": False}
    model = exportable_vit(model, LIBRARY, **required)
    if model.positions is None:
        raise ValueError(
            f"{LIBRARY} can't represent this model: `positions` must not be None. "
            f"Received: positions=None"
        )
    # With pool="token", the norm after the pooling gives the same as the norm before it.
    config = {**model.get_config(), "fc_norm": False}
    tensors = torch_tensors(model, timm_rules(config, model.image_shape[2], separate_qkv=True))
    tensors["pos_embed"] = all_positions(model)
    with_head = bool(model.num_classes)
    tensors = {huggingface_name(name, with_head): array for name, array in tensors.items()}
    configs = {
        "config.json": huggingface_config(model),
        "preprocessor_config.json": preprocessor_config(model),
    }
    return write_folder(folder, tensors, configs)


def huggingface_config(model: ViT) -> dict:
    """Return the `config.json` from which transformers builds the model."""
    height, width, channels = model.image_shape
    names = model.class_names or [f"LABEL_{i}" for i in range(model.num_classes)]
    labels = {
        "id2label": {str(i): name for i, name in enumerate(names)},
        "label2id": {name: i for i, name in enumerate(names)},
    }
    return {
        "architectures": ["ViTForImageClassification" if model.num_classes else "ViTModel"],
        "model_type": "vit",
        "hidden_size": model.hidden_dim,
        "num_hidden_layers": model.depth,
        "num_attention_heads": model.num_heads,
        "intermediate_size": model.mlp_dim,
        "hidden_act": activation_name(model, LIBRARY, ACTIVATIONS),
        "layer_norm_eps": model.layer_norm_epsilon,
        "image_size": height if height == width else [height, width],
        "patch_size": square_or_pair(model.patch_size),
        "num_channels": channels,
        "qkv_bias": True,
        **(labels if model.num_classes else {}),
    }


def square_or_pair(patch_size):
    return patch_size[0] if patch_size[0] == patch_size[1] else list(patch_size)


def preprocessor_config(model: ViT) -> dict:
    """Return the `preprocessor_config.json` of an image processor that rescales as the model."""
    height, width, _ = model.image_shape
    mean, std = mean_and_std(model)
    return {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": {"height": height, "width": width},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": mean,
        "image_std": std,
    }
