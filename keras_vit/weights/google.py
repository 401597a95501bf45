"""Google's `.npz` files, of vision_transformer and of big_vision."""

from keras_vit.layers.activations import gelu_tanh
from keras_vit.weights.backbone import backbone_arguments, is_backbone, reduction
from keras_vit.weights.layouts import (
    FLAX_NORM,
    FLAX_OUT_KERNEL,
    FLAX_PATCHES,
    FLAX_QKV_BIASES,
    FLAX_QKV_KERNELS,
    SAME,
    Rule,
)
from keras_vit.weights.source import Source, check_has, count_numbered

POSITIONS = "Transformer/posembed_input/pos_embedding"
BLOCK = "Transformer/encoderblock_{i}/"


def recognizes(tensors):
    return any(name.endswith("embedding/kernel") for name in tensors.names)


def read(tensors):
    """The `Source` of a file of Google's."""
    tensors.rename((r"^(opt/target|params/img|params)/", ""))
    newer = "Transformer/encoderblock/LayerNorm_0/scale" in tensors or any(
        name.endswith("encoderblock_0/MlpBlock_0/Dense_0/kernel") for name in tensors.names
    )
    if newer:
        name_as_older(tensors)
    first = BLOCK.format(i=0)
    check_has(tensors, "embedding/kernel", f"{first}LayerNorm_0/scale")
    check_has(tensors, f"{first}MlpBlock_3/Dense_0/kernel")
    check_has(tensors, f"{first}MultiHeadDotProductAttention_1/query/kernel")
    arguments = read_arguments(tensors, first)
    hybrid = "conv_root/kernel" in tensors
    kernel = "conv_root/kernel" if hybrid else "embedding/kernel"
    size, _, channels, width = tensors.shape(kernel, 4)
    rules = google_rules(arguments, hybrid)
    if hybrid:
        arguments |= backbone_arguments(tensors, size, width)
        rules += backbone_rules(tensors)
    positions = POSITIONS if POSITIONS in tensors or not newer else None
    if positions is None:  # big_vision's S/16: fixed ones, which no file holds
        arguments["positions"] = "sincos2d"
    return Source(
        tensors,
        arguments,
        channels=channels,
        rules=rules,
        positions=positions,
        # big_vision adds positions to the patches, then puts the class token in front.
        prefixes=(0,) if newer or not arguments["class_token"] else (1,),
        spare={
            name: "the optimizer's state" for name in tensors.names if name.startswith("opt/state/")
        },
        hybrid=hybrid,
        reduction=reduction(arguments) if hybrid else 1,
    )


def name_as_older(tensors):
    """Gives big_vision's tensors the names that vision_transformer has."""
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


def read_arguments(tensors, first):
    """Those arguments of `ViT` that the tensors tell."""
    query = f"{first}MultiHeadDotProductAttention_1/query/kernel"
    class_token = "cls" in tensors
    pre_logits = "pre_logits/bias" in tensors
    return {
        "hidden_dim": tensors.shape(f"{first}LayerNorm_0/scale", 1)[0],
        "depth": count_numbered(tensors.names, r"Transformer/encoderblock_(\d+)/"),
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


def google_rules(arguments, hybrid):
    projection = "patches" if hybrid else "patch_encoder/projection"
    rules = dense("embedding", projection, SAME if hybrid else FLAX_PATCHES)
    if arguments["class_token"]:
        rules.append(Rule(("cls",), "patch_encoder/class_token", SAME))
    for i in range(arguments["depth"]):
        rules += block_rules(BLOCK.format(i=i), f"block_{i}/")
    rules += norm("Transformer/encoder_norm", "norm")
    if arguments["pre_logits"]:
        rules += dense("pre_logits", "pre_logits")
    if arguments["num_classes"]:
        rules += dense("head", "head")
    return rules


def block_rules(theirs, ours):
    attention = f"{theirs}MultiHeadDotProductAttention_1/"
    qkv = tuple(f"{attention}{name}" for name in ("query", "key", "value"))
    kernels, biases = (tuple(f"{name}/{kind}" for name in qkv) for kind in ("kernel", "bias"))
    return [
        *norm(f"{theirs}LayerNorm_0", f"{ours}norm_1"),
        *norm(f"{theirs}LayerNorm_2", f"{ours}norm_2"),
        Rule(kernels, f"{ours}attention/qkv/kernel", FLAX_QKV_KERNELS),
        Rule(biases, f"{ours}attention/qkv/bias", FLAX_QKV_BIASES),
        *dense(f"{attention}out", f"{ours}attention/projection", FLAX_OUT_KERNEL),
        *dense(f"{theirs}MlpBlock_3/Dense_0", f"{ours}mlp/dense_1"),
        *dense(f"{theirs}MlpBlock_3/Dense_1", f"{ours}mlp/dense_2"),
    ]


def dense(theirs, ours, layout=SAME):
    return [
        Rule((f"{theirs}/kernel",), f"{ours}/kernel", layout),
        Rule((f"{theirs}/bias",), f"{ours}/bias", SAME),
    ]


def norm(theirs, ours):
    return [
        Rule((f"{theirs}/scale",), f"{ours}/gamma", SAME),
        Rule((f"{theirs}/bias",), f"{ours}/beta", SAME),
    ]


def backbone_rules(tensors):
    rules = []
    for name in tensors.names:
        if is_backbone(name):
            layer, _, kind = name.rpartition("/")
            ours = {"scale": "gamma", "bias": "beta"}.get(kind, kind)
            layout = SAME if kind == "kernel" else FLAX_NORM
            rules.append(Rule((name,), f"backbone/{layer}/{ours}", layout))
    return rules
