"""Five published systems whose models differ from `ViT`: models, recipes and published numbers."""

from keras_vit.reproductions.bare_attention import BareAttention, BareAttentionBlock
from keras_vit.reproductions.feature_attention import FeatureAttention, FlatBlock
from keras_vit.reproductions.flat_image import FlatViT
from keras_vit.reproductions.hashed_dropout import HashedDropout
from keras_vit.reproductions.hybrid_study import HybridStudyBlock, HybridStudyViT
from keras_vit.reproductions.hybrid_study_resnet import (
    HybridStudyResidualBlock,
    HybridStudyResNet,
    ResNet34Stage,
)
from keras_vit.reproductions.kun_vit import KunBlock, KunViT, TwiceActivatedMLP
from keras_vit.reproductions.position_study import PositionStudyViT
from keras_vit.reproductions.visual_attention import OneNormBlock, VisualAttentionViT

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
