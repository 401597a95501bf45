"""Hugging Face's checkpoints of ViT and DINOv2, by what their tensors are called in timm."""

from keras_vit.weights import timm

RENAMES = (
    (r"^(vit|dinov2|dinov2_with_registers)\.", ""),
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.mask_token$", "mask_token"),
    (r"^embeddings\.register_tokens$", "reg_token"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    # The second of each pair is what a live model of transformers 5 has; files have the first.
    (r"^(encoder\.layer|layers)\.(\d+)\.", r"blocks.\2."),
    (r"^(blocks\.\d+)\.attention\.(attention\.query|q_proj)\.", r"\1.attn.q."),
    (r"^(blocks\.\d+)\.attention\.(attention\.key|k_proj)\.", r"\1.attn.k."),
    (r"^(blocks\.\d+)\.attention\.(attention\.value|v_proj)\.", r"\1.attn.v."),
    (r"^(blocks\.\d+)\.attention\.(output\.dense|o_proj)\.", r"\1.attn.proj."),
    (r"^(blocks\.\d+)\.intermediate\.dense\.", r"\1.mlp.fc1."),
    (r"^(blocks\.\d+)\.output\.dense\.", r"\1.mlp.fc2."),
    (r"^(blocks\.\d+)\.layernorm_before\.", r"\1.norm1."),
    (r"^(blocks\.\d+)\.layernorm_after\.", r"\1.norm2."),
    (r"^(blocks\.\d+)\.layer_scale(\d)\.lambda1$", r"\1.ls\2.gamma"),
    (r"^layernorm\.", "norm."),
    (r"^classifier\.", "head."),
)


def recognizes(tensors):
    return any(
        name.endswith("embeddings.patch_embeddings.projection.weight") for name in tensors.names
    )


def read(tensors):
    """The `Source` of a file of Hugging Face's."""
    tensors.rename(*RENAMES)
    source = timm.read(tensors, separate_qkv=True)
    # ViTConfig's default, where no config.json tells.
    source.arguments["layer_norm_epsilon"] = 1e-12
    for kind in ("weight", "bias"):
        source.spare[f"pooler.dense.{kind}"] = "the pooler, which no classifier uses"
    return source
