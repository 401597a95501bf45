"""Hugging Face's checkpoints of ViT and DINOv2, by what their tensors are called in timm."""

from keras_vit.weights import timm
from keras_vit.weights.huggingface_names import timm_name


def recognizes(tensors):
    return any(
        name.endswith("embeddings.patch_embeddings.projection.weight") for name in tensors.names
    )


def read(tensors):
    """The `Source` of a file of Hugging Face's."""
    tensors.rename((r".+", lambda match: timm_name(match[0])))
    source = timm.read(tensors, separate_qkv=True)
    # ViTConfig's default, where no config.json tells.
    source.arguments["layer_norm_epsilon"] = 1e-12
    for kind in ("weight", "bias"):
        source.spare[f"pooler.dense.{kind}"] = "the pooler, which no classifier uses"
    return source
