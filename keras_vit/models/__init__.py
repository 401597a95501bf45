"""The Vision Transformer, its published sizes and its stages by name."""

from keras_vit.models.intermediates import intermediates
from keras_vit.models.vit import ViT

__all__ = [
    "ViT",
    "intermediates",
]
