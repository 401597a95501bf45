"""timm's checkpoints, and those of DeiT, DINO and DINOv2, whose names are the same."""

from keras_vit.weights.backbone import backbone_arguments, is_backbone, reduction
from keras_vit.weights.layouts import (
    CONV,
    LINEAR,
    QKV_BIASES,
    QKV_WEIGHTS,
    SAME,
    Rule,
    torch_patches,
)
from keras_vit.weights.source import Source, check_has, count_numbered

BACKBONE = "patch_embed.backbone."
EPSILONS = {"group_norm_epsilon": 1e-5, "std_conv_epsilon": 1e-8}


def recognizes(tensors):
    return "patch_embed.proj.weight" in tensors


def read(tensors, separate_qkv=False):
    """The `Source` of a file of timm's.

    Args:
        tensors: `Tensors`.
        separate_qkv: whether queries, keys and values are tensors `q`, `k` and `v` of their own.
    """
    if "dist_token" in tensors:
        raise ValueError(
            f"{tensors.path}: {tensors.original('dist_token')}: DeiT's distillation token and its "
            "second head are not supported; take a DeiT without distillation"
        )
    # As DINOv2's own files have it, and what a rename would hide.
    tensors.rename((r"^register_tokens$", "reg_token"))
    arguments = {**sizes(tensors), **options(tensors)}
    hybrid = any(name.startswith(BACKBONE) for name in tensors.names)
    _, channels, *arguments["patch_size"] = tensors.shape("patch_embed.proj.weight", 4)
    source = {"channels": channels}
    rules = timm_rules(arguments, channels, hybrid, separate_qkv)
    if hybrid:
        rename_backbone(tensors)
        check_has(tensors, "conv_root.weight")
        width, source["channels"], size, _ = tensors.shape("conv_root.weight", 4)
        arguments |= backbone_arguments(tensors, size, width) | EPSILONS
        source["reduction"] = reduction(arguments)
        rules += backbone_rules(tensors)
    registers = arguments["num_registers"]
    return Source(
        tensors,
        arguments,
        rules=rules,
        positions="pos_embed",
        # timm's own add positions to all tokens or to the patches alone, DINOv2's own to the
        # class token and the patches.
        prefixes=(1 + registers, 1, 0) if arguments["class_token"] else (registers, 0),
        spare={"mask_token": "takes the place of masked patches in pretraining"},
        hybrid=hybrid,
        **source,
    )


def sizes(tensors):
    """The sizes of a model, from the shapes of its tensors."""
    check_has(tensors, "blocks.0.norm1.weight", "blocks.0.mlp.fc1.weight")
    return {
        "hidden_dim": tensors.shape("blocks.0.norm1.weight", 1)[0],
        "depth": count_numbered(tensors.names, r"blocks\.(\d+)\."),
        "mlp_dim": tensors.shape("blocks.0.mlp.fc1.weight", 2)[0],
        "num_classes": tensors.shape("head.weight", 2)[0] if "head.weight" in tensors else 0,
        "num_registers": tensors.shape("reg_token", 3)[1] if "reg_token" in tensors else 0,
    }


def options(tensors):
    """Those arguments of `ViT` that the presence of tensors tells."""
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


def timm_rules(arguments, channels, hybrid=False, separate_qkv=False):
    """The rules of a model with these `ViT` arguments, but for positions and backbone."""
    if hybrid or arguments.get("patch_embedding") == "conv":
        rules = linear("patch_embed.proj", "patches", CONV)
    else:
        patches = torch_patches(arguments["patch_size"], channels)
        rules = linear("patch_embed.proj", "patch_encoder/projection", patches)
    if arguments["class_token"]:
        rules.append(Rule(("cls_token",), "patch_encoder/class_token", SAME))
    if arguments["num_registers"]:
        rules.append(Rule(("reg_token",), "patch_encoder/registers", SAME))
    for i in range(arguments["depth"]):
        rules += block_rules(f"blocks.{i}.", f"block_{i}/", arguments, separate_qkv)
    rules += norm("fc_norm" if arguments["fc_norm"] else "norm", "norm")
    if arguments["num_classes"]:
        rules += linear("head", "head")
    return rules


def block_rules(theirs, ours, arguments, separate_qkv):
    parts = ("attn.q", "attn.k", "attn.v") if separate_qkv else ("attn.qkv",)
    rules = [
        *norm(f"{theirs}norm1", f"{ours}norm_1"),
        *norm(f"{theirs}norm2", f"{ours}norm_2"),
        *linear(f"{theirs}attn.proj", f"{ours}attention/projection"),
        *linear(f"{theirs}mlp.fc1", f"{ours}mlp/dense_1"),
        *linear(f"{theirs}mlp.fc2", f"{ours}mlp/dense_2"),
    ]
    for kind, name, layout in (
        ("weight", "kernel", QKV_WEIGHTS if separate_qkv else LINEAR),
        ("bias", "bias", QKV_BIASES if separate_qkv else SAME),
    ):
        names = tuple(f"{theirs}{part}.{kind}" for part in parts)
        rules.append(Rule(names, f"{ours}attention/qkv/{name}", layout))
    if arguments["qk_norm"]:
        rules += norm(f"{theirs}attn.q_norm", f"{ours}attention/q_norm")
        rules += norm(f"{theirs}attn.k_norm", f"{ours}attention/k_norm")
    if arguments["layer_scale"] is not None:
        for i in (1, 2):
            rules.append(Rule((f"{theirs}ls{i}.gamma",), f"{ours}layer_scale_{i}/gamma", SAME))
    return rules


def linear(theirs, ours, layout=LINEAR):
    return [
        Rule((f"{theirs}.weight",), f"{ours}/kernel", layout),
        Rule((f"{theirs}.bias",), f"{ours}/bias", SAME),
    ]


def norm(theirs, ours):
    return [
        Rule((f"{theirs}.weight",), f"{ours}/gamma", SAME),
        Rule((f"{theirs}.bias",), f"{ours}/beta", SAME),
    ]


def rename_backbone(tensors):
    """Gives a hybrid's ResNet the names that it has here, but for the last word."""
    tensors.rename(
        (r"^patch_embed\.backbone\.(stem\.)?conv\.", "conv_root."),
        (r"^patch_embed\.backbone\.(stem\.)?norm\.", "gn_root."),
        # Numbered from 0 there, from 1 here: a mark in front now, counted up below.
        (r"^patch_embed\.backbone\.stages\.(\d+)\.blocks\.(\d+)\.", r"stage \1 \2 "),
        (r"^(stage .*)norm(\d)\.", r"\1gn\2."),
        (r"^(stage .*)downsample\.conv\.", r"\1conv_proj."),
        (r"^(stage .*)downsample\.norm\.", r"\1gn_proj."),
        (r"^stage (\d+) (\d+) ", counted_up),
    )


def counted_up(match):
    return f"block{int(match[1]) + 1}/unit{int(match[2]) + 1}/"


def backbone_rules(tensors):
    rules = []
    for name in tensors.names:
        if is_backbone(name):
            layer, _, kind = name.rpartition(".")
            if "gn" in layer:
                ours = {"weight": "gamma", "bias": "beta"}[kind]
                rules.append(Rule((name,), f"backbone/{layer}/{ours}", SAME))
            else:
                rules.append(Rule((name,), f"backbone/{layer}/kernel", CONV))
    return rules
