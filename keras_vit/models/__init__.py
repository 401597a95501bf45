"""The Vision Transformer, its hybrid and relatives, published sizes, and stages by name."""

from keras_vit.models.hybrid import HybridViT
from keras_vit.models.intermediates import intermediates
from keras_vit.models.masked import MaskedAutoencoder
from keras_vit.models.published import (
    FlatViT,
    HybridStudyResNet,
    HybridStudyViT,
    KunViT,
    PositionStudyViT,
    VisualAttentionViT,
)
from keras_vit.models.resnet import ResNet
from keras_vit.models.vit import ViT

__all__ = [
    "FlatViT",
    "HybridStudyResNet",
    "HybridStudyViT",
    "HybridViT",
    "KunViT",
    "MaskedAutoencoder",
    "PositionStudyViT",
    "ResNet",
    "ViT",
    "VisualAttentionViT",
    "intermediates",
]
