"""Vision Transformers in Keras 3, on TensorFlow, JAX and PyTorch."""

from keras_vit.augment import AutoAugment, Mixing, RandomAffine, RandomCrop, RandomResizedCrop
from keras_vit.data import load_data
from keras_vit.inspection import (
    attention_distance,
    attention_maps,
    attention_relevance,
    attention_rollout,
    iter_attention_maps,
    position_similarity,
)
from keras_vit.layers import (
    MLP,
    ConvStem,
    LayerScale,
    MaskedDecoder,
    MultiHeadSelfAttention,
    PatchEncoder,
    Patches,
    RandomMasking,
    RelativePositionBias,
    StdConv2D,
    StochasticDepth,
    TokenPooling,
    TransformerBlock,
)
from keras_vit.models import (
    FlatViT,
    HybridStudyResNet,
    HybridStudyViT,
    HybridViT,
    KunViT,
    MaskedAutoencoder,
    PositionStudyViT,
    ResNet,
    VisualAttentionViT,
    ViT,
    intermediates,
)
from keras_vit.training import AugmentedModel, adamw, warmup_cosine
from keras_vit.weights import load_checkpoint, to_huggingface, to_timm

__all__ = [
    "MLP",
    "AugmentedModel",
    "AutoAugment",
    "ConvStem",
    "FlatViT",
    "HybridStudyResNet",
    "HybridStudyViT",
    "HybridViT",
    "KunViT",
    "LayerScale",
    "MaskedAutoencoder",
    "MaskedDecoder",
    "Mixing",
    "MultiHeadSelfAttention",
    "PatchEncoder",
    "Patches",
    "PositionStudyViT",
    "RandomAffine",
    "RandomCrop",
    "RandomMasking",
    "RandomResizedCrop",
    "RelativePositionBias",
    "ResNet",
    "StdConv2D",
    "StochasticDepth",
    "TokenPooling",
    "TransformerBlock",
    "ViT",
    "VisualAttentionViT",
    "adamw",
    "attention_distance",
    "attention_maps",
    "attention_relevance",
    "attention_rollout",
    "intermediates",
    "iter_attention_maps",
    "load_checkpoint",
    "load_data",
    "position_similarity",
    "to_huggingface",
    "to_timm",
    "warmup_cosine",
]


def __getattr__(name):
    if name == "ViTHyperModel":  # it needs keras-tuner, and import keras_vit does not
        from keras_vit.tuning import ViTHyperModel

        return ViTHyperModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
