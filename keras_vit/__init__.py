"""Vision Transformers in Keras 3, on TensorFlow, JAX and PyTorch."""

import keras_vit_backend

if keras_vit_backend.is_module_command():  # `python -m keras_vit`, never a program of your own
    keras_vit_backend.choose()
try:
    import keras  # noqa: F401
except ModuleNotFoundError as error:
    if error.name not in keras_vit_backend.BACKENDS:
        raise
    raise ImportError(keras_vit_backend.missing_backend(error.name)) from error

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
    ConvGroup,
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
    WhiteningConv2D,
)
from keras_vit.models import ConvViT, HybridViT, ResNet, ViT, intermediates

# Not in `__all__`: the published systems stay in their own room. They are imported so that Keras
# finds their classes when it loads a file.
from keras_vit.reproductions import (  # noqa: F401
    FlatViT,
    HybridStudyResNet,
    HybridStudyViT,
    KunViT,
    PositionStudyViT,
    VisualAttentionViT,
)
from keras_vit.train import AugmentedModel, MaskedAutoencoder, adamw, warmup_cosine
from keras_vit.version import __version__
from keras_vit.weights import load_checkpoint, to_huggingface, to_timm

__all__ = [
    "MLP",
    "AugmentedModel",
    "AutoAugment",
    "ConvGroup",
    "ConvStem",
    "ConvViT",
    "HybridViT",
    "LayerScale",
    "MaskedAutoencoder",
    "MaskedDecoder",
    "Mixing",
    "MultiHeadSelfAttention",
    "PatchEncoder",
    "Patches",
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
    "WhiteningConv2D",
    "__version__",
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
