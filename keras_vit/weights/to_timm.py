import math

from keras_vit.weights.timm import timm_rules
from keras_vit.weights.writing import (
    activation_name,
    mean_and_std,
    positions_of_all,
    torch_tensors,
    writable,
    write_folder,
)

ACTIVATIONS = {"gelu": "gelu", "keras_vit>gelu_tanh": "gelu_tanh", "relu": "relu", "silu": "silu"}
POOLS = {"token": "token", "mean": "avg"}


def to_timm(model, folder):
    """Writes a `ViT` for timm: `timm.create_model("local-dir:FOLDER", pretrained=True)` has it.

    Logits are the same, and so are the weights when `load_checkpoint(FOLDER)` reads them back.

    Args:
        model: a `ViT` with a linear or convolutional patch embedding, or an `AugmentedModel`
            around one.
        folder: path of a new folder; `model.safetensors` and `config.json` go into it.

    Returns:
        The folder's `pathlib.Path`.

    Raises:
        ValueError: for a model that timm's VisionTransformer can't be, or a folder that is there.
    """
    model = writable(model, "timm", layer_norm_epsilon=1e-6)
    config = model.get_config()
    tensors = torch_tensors(model, timm_rules(config, model.image_shape[2]))
    positions = positions_of_all(model)
    if positions is not None:
        tensors["pos_embed"] = positions
    return write_folder(folder, tensors, {"config.json": timm_config(model)})


def timm_config(model):
    """What timm keeps beside the weights to build the model again."""
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
        "mlp_ratio": ratio(model.mlp_dim, model.hidden_dim),
        "class_token": model.class_token,
        "reg_tokens": model.num_registers,
        "pos_embed": "none" if model.positions is None else "learn",
        "init_values": model.layer_scale,
        "qk_norm": model.qk_norm,
        "fc_norm": model.fc_norm,
        "act_layer": activation_name(model, ACTIVATIONS),
    }
    names = {} if model.class_names is None else {"label_names": list(model.class_names)}
    return {
        # Any of timm's plain ViTs: the arguments replace all of its own.
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


def ratio(mlp_dim, hidden_dim):
    """The float by which timm multiplies a width, cutting off what is behind the point."""
    value = mlp_dim / hidden_dim
    return value if int(hidden_dim * value) == mlp_dim else math.nextafter(value, math.inf)
