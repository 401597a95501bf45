from keras_vit.weights.huggingface_names import huggingface_name
from keras_vit.weights.timm import timm_rules
from keras_vit.weights.writing import (
    activation_name,
    mean_and_std,
    positions_of_all,
    torch_tensors,
    writable,
    write_folder,
)

ACTIVATIONS = {
    "gelu": "gelu",
    "keras_vit>gelu_tanh": "gelu_pytorch_tanh",
    "relu": "relu",
    "silu": "silu",
}


def to_huggingface(model, folder):
    """Writes a `ViT` for transformers: `ViTForImageClassification.from_pretrained(FOLDER)` has it.

    A model without head is for `ViTModel`. Logits are the same, and so are the weights when
    `load_checkpoint(FOLDER)` reads them back.

    Args:
        model: a `ViT` whose class token is its output, with positions, without registers,
            LayerScale and normalised queries; or an `AugmentedModel` around one.
        folder: path of a new folder; `model.safetensors`, `config.json` and
            `preprocessor_config.json` go into it.

    Returns:
        The folder's `pathlib.Path`.

    Raises:
        ValueError: for a model that transformers' ViT can't be, or a folder that is there.
    """
    only = {"pool": "token", "num_registers": 0, "layer_scale": None, "qk_norm": False}
    model = writable(model, "transformers' ViT", **only)
    if model.positions is None:
        raise ValueError("transformers' ViT has no positions=None.")
    # After the pooling or before, it is the class token's own norm.
    config = {**model.get_config(), "fc_norm": False}
    tensors = torch_tensors(model, timm_rules(config, model.image_shape[2], separate_qkv=True))
    tensors["pos_embed"] = positions_of_all(model)
    with_head = bool(model.num_classes)
    tensors = {huggingface_name(name, with_head): array for name, array in tensors.items()}
    configs = {
        "config.json": huggingface_config(model),
        "preprocessor_config.json": preprocessor_config(model),
    }
    return write_folder(folder, tensors, configs)


def huggingface_config(model):
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
        "hidden_act": activation_name(model, ACTIVATIONS),
        "layer_norm_eps": model.layer_norm_epsilon,
        "image_size": height if height == width else [height, width],
        "patch_size": square_or_pair(model.patch_size),
        "num_channels": channels,
        "qkv_bias": True,
        **(labels if model.num_classes else {}),
    }


def square_or_pair(patch_size):
    return patch_size[0] if patch_size[0] == patch_size[1] else list(patch_size)


def preprocessor_config(model):
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
