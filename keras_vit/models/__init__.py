"""The Vision Transformer, its published sizes and relatives, and the stages by name."""

from keras_vit.models.intermediates import intermediates
from keras_vit.models.published import (
    FlatViT,
    KunViT,
    PositionStudyViT,
    VisualAttentionViT,
)
from keras_vit.models.vit import ViT

__all__ = [
    "FlatViT",
    "KunViT",
    "PositionStudyViT",
    "ViT",
    "VisualAttentionViT",
    "intermediates",
]
