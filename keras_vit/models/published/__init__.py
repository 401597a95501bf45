"""Published systems whose models differ from ViT: each with the layers that make it differ."""

from keras_vit.models.published.bare_attention import BareAttention, BareAttentionBlock
from keras_vit.models.published.feature_attention import FeatureAttention, FlatBlock
from keras_vit.models.published.flat_image import FlatViT
from keras_vit.models.published.hashed_dropout import HashedDropout
from keras_vit.models.published.hybrid_study import HybridStudyBlock, HybridStudyViT
from keras_vit.models.published.hybrid_study_resnet import (
    HybridStudyResidualBlock,
    HybridStudyResNet,
    ResNet34Stage,
)
from keras_vit.models.published.kun_vit import KunBlock, KunViT, TwiceActivatedMLP
from keras_vit.models.published.position_study import PositionStudyViT
from keras_vit.models.published.visual_attention import OneNormBlock, VisualAttentionViT

__all__ = [
    "BareAttention",
    "BareAttentionBlock",
    "FeatureAttention",
    "FlatBlock",
    "FlatViT",
    "HashedDropout",
    "HybridStudyBlock",
    "HybridStudyResNet",
    "HybridStudyResidualBlock",
    "HybridStudyViT",
    "KunBlock",
    "KunViT",
    "OneNormBlock",
    "PositionStudyViT",
    "ResNet34Stage",
    "TwiceActivatedMLP",
    "VisualAttentionViT",
]
