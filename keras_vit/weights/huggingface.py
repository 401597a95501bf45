"""Reading of Hugging Face's checkpoints of ViT and DINOv2, and their tensor names."""

import re

from keras_vit.weights import timm
from keras_vit.weights.source import Source
from keras_vit.weights.tensors import Tensors

# From timm's names to those of Hugging Face, which this package reads and writes.
OUTSIDE = {
    "cls_token": "embeddings.cls_token",
    "pos_embed": "embeddings.position_embeddings",
    "patch_embed.proj": "embeddings.patch_embeddings.projection",
    "norm": "layernorm",
}
IN_BLOCK = {
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "attn.q": "attention.attention.query",
    "attn.k": "attention.attention.key",
    "attn.v": "attention.attention.value",
    "attn.proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}
HEAD = {"head": "classifier"}

# From other names of Hugging Face to those of timm, which this package only reads. They occur in
# the files of DINOv2 and in the models of transformers 5 while they are in memory.
ALSO_OUTSIDE = {
    "embeddings.mask_token": "mask_token",
    "embeddings.register_tokens": "reg_token",
}
ALSO_IN_BLOCK = {
    "attention.q_proj": "attn.q",
    "attention.k_proj": "attn.k",
    "attention.v_proj": "attn.v",
    "attention.o_proj": "attn.proj",
    "layer_scale1.lambda1": "ls1.gamma",
    "layer_scale2.lambda1": "ls2.gamma",
}

READ_OUTSIDE = {value: key for key, value in {**OUTSIDE, **HEAD}.items()} | ALSO_OUTSIDE
READ_IN_BLOCK = {value: key for key, value in IN_BLOCK.items()} | ALSO_IN_BLOCK


def recognizes(tensors: Tensors) -> bool:
    """Return whether a file has the tensor names of Hugging Face's files."""
    return any(
        name.endswith("embeddings.patch_embeddings.projection.weight") for name in tensors.names
    )


def read(tensors: Tensors) -> Source:
    """Describe the checkpoint in a file of Hugging Face's.

    Args:
        tensors: `Tensors` of the file, renamed in place to timm's names.

    Returns:
        The `Source` of the file.

    Raises:
        ValueError: If a tensor that gives a size is missing or has a wrong number of axes.
    """
    tensors.rename((r".+", lambda match: timm_name(match[0])))
    source = timm.read(tensors, separate_qkv=True)
    # This is the default of transformers' ViTConfig; a config.json beside the file overrides it.
    source.arguments["layer_norm_epsilon"] = 1e-12
    for part in ("weight", "bias"):
        source.ignorable[f"pooler.dense.{part}"] = "the pooler, which no classifier uses"
    return source


def timm_name(name: str) -> str:
    """Convert Hugging Face's name of a tensor to timm's.

    Args:
        name: str, name in a file of Hugging Face's.

    Returns:
        The name in timm, or `name` itself if timm has no such tensor.
    """
    name = re.sub(r"^(vit|dinov2|dinov2_with_registers)\.", "", name)
    block = re.match(r"(?:encoder\.layer|layers)\.(\d+)\.(.+)", name)
    if block:
        return f"blocks.{block[1]}.{renamed(block[2], READ_IN_BLOCK)}"
    return renamed(name, READ_OUTSIDE)


def huggingface_name(name: str, with_head: bool) -> str:
    """Convert timm's name of a tensor to Hugging Face's.

    Args:
        name: str, name in timm.
        with_head: bool, whether the model has a head, which adds the prefix "vit." to the names
            of all tensors outside the head.

    Returns:
        The name in a file of Hugging Face's.
    """
    layer, _, part = name.rpartition(".")
    if layer in HEAD:
        return f"{HEAD[layer]}.{part}"
    block = re.match(r"blocks\.(\d+)\.(.+)", name)
    if block:
        name = f"encoder.layer.{block[1]}.{renamed(block[2], IN_BLOCK)}"
    else:
        name = renamed(name, OUTSIDE)
    return f"vit.{name}" if with_head else name


def renamed(name, table):
    """Replace a whole name, or the layer's name in front of "weight" or "bias", by a table."""
    if name in table:
        return table[name]
    layer, dot, part = name.rpartition(".")
    return table.get(layer, layer) + dot + part
