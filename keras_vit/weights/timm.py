"""Reading of timm's checkpoints, and those of DeiT, DINO and DINOv2, which use the same names."""

import re

from keras_vit.weights.backbone import backbone_arguments, is_backbone, reduction
from keras_vit.weights.layouts import (
    CONV,
    LINEAR,
    QKV_BIASES,
    QKV_WEIGHTS,
    SAME,
    Layout,
    Rule,
    torch_patches,
)
from keras_vit.weights.source import Source, check_present, count_indices
from keras_vit.weights.tensors import Tensors

BACKBONE = "patch_embed.backbone."
EPSILONS = {"group_norm_epsilon": 1e-5, "std_conv_epsilon": 1e-8}


def recognizes(tensors: Tensors) -> bool:
    """Return whether a file has the tensor names of timm's files."""
    return "patch_embed.proj.weight" in tensors


def read(tensors: Tensors, separate_qkv: bool = False) -> Source:
    """Describe the checkpoint in a file of timm's.

    Args:
        tensors: `Tensors` of the file, renamed in place.
        separate_qkv: bool, whether queries, keys and values come from the three tensors `q`, `k`
            and `v` instead of the one tensor `qkv`. Default: False.

    Returns:
        The `Source` of the file.

    Raises:
        ValueError: If a tensor that gives a size is missing or has a wrong number of axes, or if
            the file has DeiT's distillation token.
    """
    if "dist_token" in tensors:
        raise ValueError(
            f"{tensors.path}: a DeiT must have no distillation token and no second head. "
            f"Received: a file with the tensor {tensors.name_in_file('dist_token')}"
        )
    # DINOv2's own files call the registers `register_tokens`.
    tensors.rename((r"^register_tokens$", "reg_token"))
    arguments = {**size_arguments(tensors), **option_arguments(tensors)}
    hybrid = any(name.startswith(BACKBONE) for name in tensors.names)
    _, channels, *arguments["patch_size"] = tensors.shape("patch_embed.proj.weight", 4)
    rules = timm_rules(arguments, channels, hybrid, separate_qkv)
    cell_size = 1
    if hybrid:
        rename_backbone(tensors)
        check_present(tensors, "conv_root.weight")
        width, channels, kernel_size, _ = tensors.shape("conv_root.weight", 4)
        arguments |= backbone_arguments(tensors, kernel_size, width) | EPSILONS
        cell_size = reduction(arguments)
        rules += backbone_rules(tensors)
    registers = arguments["num_registers"]
    return Source(
        tensors,
        arguments,
        channels=channels,
        rules=rules,
        positions="pos_embed",
        # timm adds positions to all tokens or to the patches alone. DINOv2's own code adds them to
        # the class token and the patches.
        prefix_counts=(1 + registers, 1, 0) if arguments["class_token"] else (registers, 0),
        ignorable={"mask_token": "the token for masked patches in pretraining"},
        hybrid=hybrid,
        reduction=cell_size,
    )


def size_arguments(tensors: Tensors) -> dict:
    """Return the arguments of `ViT` that follow from the shapes of tensors."""
    check_present(tensors, "blocks.0.norm1.weight", "blocks.0.mlp.fc1.weight")
    return {
        "hidden_dim": tensors.shape("blocks.0.norm1.weight", 1)[0],
        "depth": count_indices(tensors.names, r"blocks\.(\d+)\."),
        "mlp_dim": tensors.shape("blocks.0.mlp.fc1.weight", 2)[0],
        "num_classes": tensors.shape("head.weight", 2)[0] if "head.weight" in tensors else 0,
        "num_registers": tensors.shape("reg_token", 3)[1] if "reg_token" in tensors else 0,
    }


def option_arguments(tensors: Tensors) -> dict:
    """Return the arguments of `ViT` that follow from the presence of tensors."""
    options = {
        "class_token": "cls_token" in tensors,
        "fc_norm": "fc_norm.weight" in tensors,
        "qk_norm": "blocks.0.attn.q_norm.weight" in tensors,
        "layer_scale": 1.0 if "blocks.0.ls1.gamma" in tensors else None,
        "layer_norm_epsilon": 1e-6,
    }
    options["pool"] = "token" if options["class_token"] and not options["fc_norm"] else "mean"
    if options["qk_norm"]:
        (width,) = tensors.shape("blocks.0.norm1.weight", 1)
        options["num_heads"] = width // tensors.shape("blocks.0.attn.q_norm.weight", 1)[0]
    return options


def timm_rules(
    arguments: dict, channels: int, hybrid: bool = False, separate_qkv: bool = False
) -> list[Rule]:
    """Return the rules of a model, except for its positions and its ResNet.

    Args:
        arguments: dict of arguments of `ViT`.
        channels: int, channels of the images.
        hybrid: bool, whether a ResNet computes the patches. Default: False.
        separate_qkv: bool, as in `read`. Default: False.

    Returns:
        A list of `Rule`.
    """
    if hybrid or arguments.get("patch_embedding") == "conv":
        rules = linear_rules("patch_embed.proj", "patches", CONV)
    else:
        patches = torch_patches(arguments["patch_size"], channels)
        rules = linear_rules("patch_embed.proj", "patch_encoder/projection", patches)
    if arguments["class_token"]:
        rules.append(Rule(("cls_token",), "patch_encoder/class_token", SAME))
    if arguments["num_registers"]:
        rules.append(Rule(("reg_token",), "patch_encoder/registers", SAME))
    for i in range(arguments["depth"]):
        rules += block_rules(f"blocks.{i}.", f"block_{i}/", arguments, separate_qkv)
    rules += norm_rules("fc_norm" if arguments["fc_norm"] else "norm", "norm")
    if arguments["num_classes"]:
        rules += linear_rules("head", "head")
    return rules


def block_rules(source: str, target: str, arguments: dict, separate_qkv: bool) -> list[Rule]:
    """Return the rules of one block.

    Args:
        source: str, the beginning of the names of its tensors.
        target: str, the beginning of the paths of its weights.
        arguments: dict of arguments of `ViT`.
        separate_qkv: bool, as in `read`.

    Returns:
        A list of `Rule`.
    """
    qkv = ("attn.q", "attn.k", "attn.v") if separate_qkv else ("attn.qkv",)
    rules = [
        *norm_rules(f"{source}norm1", f"{target}norm_1"),
        *norm_rules(f"{source}norm2", f"{target}norm_2"),
        *linear_rules(f"{source}attn.proj", f"{target}attention/projection"),
        *linear_rules(f"{source}mlp.fc1", f"{target}mlp/dense_1"),
        *linear_rules(f"{source}mlp.fc2", f"{target}mlp/dense_2"),
    ]
    for part, weight, layout in (
        ("weight", "kernel", QKV_WEIGHTS if separate_qkv else LINEAR),
        ("bias", "bias", QKV_BIASES if separate_qkv else SAME),
    ):
        names = tuple(f"{source}{layer}.{part}" for layer in qkv)
        rules.append(Rule(names, f"{target}attention/qkv/{weight}", layout))
    if arguments["qk_norm"]:
        rules += norm_rules(f"{source}attn.q_norm", f"{target}attention/q_norm")
        rules += norm_rules(f"{source}attn.k_norm", f"{target}attention/k_norm")
    if arguments["layer_scale"] is not None:
        for i in (1, 2):
            rules.append(Rule((f"{source}ls{i}.gamma",), f"{target}layer_scale_{i}/gamma", SAME))
    return rules


def linear_rules(source: str, target: str, layout: Layout = LINEAR) -> list[Rule]:
    """Return the rules of a linear or convolution layer, `layout` being that of its weight."""
    return [
        Rule((f"{source}.weight",), f"{target}/kernel", layout),
        Rule((f"{source}.bias",), f"{target}/bias", SAME),
    ]


def norm_rules(source: str, target: str) -> list[Rule]:
    """Return the rules of a normalization layer."""
    return [
        Rule((f"{source}.weight",), f"{target}/gamma", SAME),
        Rule((f"{source}.bias",), f"{target}/beta", SAME),
    ]


def rename_backbone(tensors: Tensors) -> None:
    """Give the layers of a hybrid's ResNet the names that `HybridBackbone` gives them."""
    tensors.rename(
        (r"^patch_embed\.backbone\.(stem\.)?conv\.", "conv_root."),
        (r"^patch_embed\.backbone\.(stem\.)?norm\.", "gn_root."),
        # timm numbers stages and blocks from 0, and `HybridBackbone` from 1. This replacement
        # marks the names with "stage", and the last one adds 1 to the numbers.
        (r"^patch_embed\.backbone\.stages\.(\d+)\.blocks\.(\d+)\.", r"stage \1 \2 "),
        (r"^(stage .*)norm(\d)\.", r"\1gn\2."),
        (r"^(stage .*)downsample\.conv\.", r"\1conv_proj."),
        (r"^(stage .*)downsample\.norm\.", r"\1gn_proj."),
        (r"^stage (\d+) (\d+) ", numbered_from_one),
    )


def numbered_from_one(match: re.Match) -> str:
    """Return the beginning of a ResNet unit's name for a match of its two numbers."""
    return f"block{int(match[1]) + 1}/unit{int(match[2]) + 1}/"


def backbone_rules(tensors: Tensors) -> list[Rule]:
    """Return the rules of the ResNet of a hybrid model."""
    rules = []
    for name in tensors.names:
        if is_backbone(name):
            layer, _, part = name.rpartition(".")
            if "gn" in layer:
                weight = {"weight": "gamma", "bias": "beta"}[part]
                rules.append(Rule((name,), f"backbone/{layer}/{weight}", SAME))
            else:
                rules.append(Rule((name,), f"backbone/{layer}/kernel", CONV))
    return rules
