"""What Hugging Face calls the tensors of a ViT, beside timm's names; both ways from one table."""

import re

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

# Read, never written: of DINOv2's files, and of live models of transformers 5.
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


def reversed_table(table):
    return {theirs: ours for ours, theirs in table.items()}


READ_OUTSIDE = {**reversed_table({**OUTSIDE, **HEAD}), **ALSO_OUTSIDE}
READ_IN_BLOCK = {**reversed_table(IN_BLOCK), **ALSO_IN_BLOCK}


def timm_name(name):
    """timm's name of a tensor of Hugging Face's; its own where there is none."""
    name = re.sub(r"^(vit|dinov2|dinov2_with_registers)\.", "", name)
    block = re.match(r"(?:encoder\.layer|layers)\.(\d+)\.(.+)", name)
    if block:
        return f"blocks.{block[1]}.{renamed(block[2], READ_IN_BLOCK)}"
    return renamed(name, READ_OUTSIDE)


def huggingface_name(name, with_head):
    """Hugging Face's name of a ViT's tensor by timm's; a classifier's have a prefix."""
    layer, _, kind = name.rpartition(".")
    if layer in HEAD:
        return f"{HEAD[layer]}.{kind}"
    block = re.match(r"blocks\.(\d+)\.(.+)", name)
    if block:
        name = f"encoder.layer.{block[1]}.{renamed(block[2], IN_BLOCK)}"
    else:
        name = renamed(name, OUTSIDE)
    return f"vit.{name}" if with_head else name


def renamed(name, table):
    """A tensor renamed by its whole name, or by its layer's in front of "weight" or "bias"."""
    if name in table:
        return table[name]
    layer, dot, kind = name.rpartition(".")
    return table.get(layer, layer) + dot + kind
