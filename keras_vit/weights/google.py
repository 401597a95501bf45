"""Reading of Google's `.npz` files, which vision_transformer and big_vision write."""

from keras_vit.layers.activations import gelu_tanh
from keras_vit.weights.backbone import backbone_arguments, is_backbone, reduction
from keras_vit.weights.layouts import (
    FLAX_NORM,
    FLAX_OUT_KERNEL,
    FLAX_PATCHES,
    FLAX_QKV_BIASES,
    FLAX_QKV_KERNELS,
    SAME,
    Layout,
    Rule,
)
from keras_vit.weights.source import Source, check_present, count_indices
from keras_vit.weights.tensors import Tensors

POSITIONS = "Transformer/posembed_input/pos_embedding"
BLOCK = "Transformer/encoderblock_{i}/"


def recognizes(tensors: Tensors) -> bool:
    """Return whether a file has the tensor names of Google's files."""
    return any(name.endswith("embedding/kernel") for name in tensors.names)


def read(tensors: Tensors) -> Source:
    """Describe the checkpoint in a file of Google's.

    Args:
        tensors: `Tensors` of the file, renamed in place.

    Returns:
        The `Source` of the file.

    Raises:
        ValueError: If a tensor that gives a size is missing or has a wrong number of axes.
    """
    tensors.rename((r"^(opt/target|params/img|params)/", ""))
    is_big_vision = "Transformer/encoderblock/LayerNorm_0/scale" in tensors or any(
        name.endswith("encoderblock_0/MlpBlock_0/Dense_0/kernel") for name in tensors.names
    )
    if is_big_vision:
        rename_big_vision(tensors)
    first = BLOCK.format(i=0)
    check_present(tensors, "embedding/kernel", f"{first}LayerNorm_0/scale")
    check_present(tensors, f"{first}MlpBlock_3/Dense_0/kernel")
    check_present(tensors, f"{first}MultiHeadDotProductAttention_1/query/kernel")
    arguments = vit_arguments(tensors, first)
    hybrid = "conv_root/kernel" in tensors
    kernel = "conv_root/kernel" if hybrid else "embedding/kernel"
    size, _, channels, width = tensors.shape(kernel, 4)
    rules = google_rules(arguments, hybrid)
    if hybrid:
        arguments |= backbone_arguments(tensors, size, width)
        rules += backbone_rules(tensors)
    positions = POSITIONS if POSITIONS in tensors or not is_big_vision else None
    if positions is None:  # big_vision's S/16 has fixed positions, which no file holds
        arguments["positions"] = "sincos2d"
    # big_vision adds the positions to the patches before it puts the class token in front of
    # them, so the class token has a position only in vision_transformer's files.
    has_token_position = arguments["class_token"] and not is_big_vision
    return Source(
        tensors,
        arguments,
        channels=channels,
        rules=rules,
        positions=positions,
        prefix_counts=(1,) if has_token_position else (0,),
        ignorable={
            name: "the optimizer's state" for name in tensors.names if name.startswith("opt/state/")
        },
        hybrid=hybrid,
        reduction=reduction(arguments) if hybrid else 1,
    )


def rename_big_vision(tensors: Tensors) -> None:
    """Give the tensors of big_vision the names that vision_transformer uses."""
    tensors.unstack("Transformer/encoderblock/", BLOCK)
    tensors.rename(
        (r"^pos_embedding$", POSITIONS),
        (r"(encoderblock_\d+)/LayerNorm_1/", r"\1/LayerNorm_2/"),
        (
            r"(encoderblock_\d+)/MultiHeadDotProductAttention_0/",
            r"\1/MultiHeadDotProductAttention_1/",
        ),
        (r"(encoderblock_\d+)/MlpBlock_0/", r"\1/MlpBlock_3/"),
    )


def vit_arguments(tensors: Tensors, first: str) -> dict:
    """Return the arguments of `ViT` that follow from the tensors.

    Args:
        tensors: `Tensors` of the file.
        first: str, the beginning of the names of the first block's tensors.

    Returns:
        A dict of arguments.
    """
    query = f"{first}MultiHeadDotProductAttention_1/query/kernel"
    class_token = "cls" in tensors
    pre_logits = "pre_logits/bias" in tensors
    return {
        "hidden_dim": tensors.shape(f"{first}LayerNorm_0/scale", 1)[0],
        "depth": count_indices(tensors.names, r"Transformer/encoderblock_(\d+)/"),
        "mlp_dim": tensors.shape(f"{first}MlpBlock_3/Dense_0/kernel", 2)[1],
        "num_heads": tensors.shape(query, 3)[1],
        "num_classes": tensors.shape("head/bias", 1)[0] if "head/bias" in tensors else 0,
        "patch_size": tensors.shape("embedding/kernel", 4)[:2],
        "pre_logits": tensors.shape("pre_logits/bias", 1)[0] if pre_logits else None,
        "class_token": class_token,
        "pool": "token" if class_token else "mean",
        "activation": gelu_tanh,
        "layer_norm_epsilon": 1e-6,
    }


def google_rules(arguments: dict, hybrid: bool) -> list[Rule]:
    """Return the rules of a model, except for its positions and its ResNet.

    Args:
        arguments: dict of arguments of `ViT`.
        hybrid: bool, whether a ResNet computes the patches.

    Returns:
        A list of `Rule`.
    """
    projection = "patches" if hybrid else "patch_encoder/projection"
    rules = dense_rules("embedding", projection, SAME if hybrid else FLAX_PATCHES)
    if arguments["class_token"]:
        rules.append(Rule(("cls",), "patch_encoder/class_token", SAME))
    for i in range(arguments["depth"]):
        rules += block_rules(BLOCK.format(i=i), f"block_{i}/")
    rules += norm_rules("Transformer/encoder_norm", "norm")
    if arguments["pre_logits"]:
        rules += dense_rules("pre_logits", "pre_logits")
    if arguments["num_classes"]:
        rules += dense_rules("head", "head")
    return rules


def block_rules(source: str, target: str) -> list[Rule]:
    """Return the rules of one block.

    Args:
        source: str, the beginning of the names of its tensors.
        target: str, the beginning of the paths of its weights.

    Returns:
        A list of `Rule`.
    """
    attention = f"{source}MultiHeadDotProductAttention_1/"
    qkv = tuple(f"{attention}{name}" for name in ("query", "key", "value"))
    kernels, biases = (tuple(f"{name}/{part}" for name in qkv) for part in ("kernel", "bias"))
    return [
        *norm_rules(f"{source}LayerNorm_0", f"{target}norm_1"),
        *norm_rules(f"{source}LayerNorm_2", f"{target}norm_2"),
        Rule(kernels, f"{target}attention/qkv/kernel", FLAX_QKV_KERNELS),
        Rule(biases, f"{target}attention/qkv/bias", FLAX_QKV_BIASES),
        *dense_rules(f"{attention}out", f"{target}attention/projection", FLAX_OUT_KERNEL),
        *dense_rules(f"{source}MlpBlock_3/Dense_0", f"{target}mlp/dense_1"),
        *dense_rules(f"{source}MlpBlock_3/Dense_1", f"{target}mlp/dense_2"),
    ]


def dense_rules(source: str, target: str, layout: Layout = SAME) -> list[Rule]:
    """Return the rules of a Dense or convolution layer, `layout` being that of its kernel."""
    return [
        Rule((f"{source}/kernel",), f"{target}/kernel", layout),
        Rule((f"{source}/bias",), f"{target}/bias", SAME),
    ]


def norm_rules(source: str, target: str) -> list[Rule]:
    """Return the rules of a normalization layer."""
    return [
        Rule((f"{source}/scale",), f"{target}/gamma", SAME),
        Rule((f"{source}/bias",), f"{target}/beta", SAME),
    ]


def backbone_rules(tensors: Tensors) -> list[Rule]:
    """Return the rules of the ResNet of a hybrid model."""
    rules = []
    for name in tensors.names:
        if is_backbone(name):
            layer, _, part = name.rpartition("/")
            weight = {"scale": "gamma", "bias": "beta"}.get(part, part)
            layout = SAME if part == "kernel" else FLAX_NORM
            rules.append(Rule((name,), f"backbone/{layer}/{weight}", layout))
    return rules
