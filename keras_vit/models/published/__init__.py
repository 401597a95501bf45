"""Published systems whose models differ from ViT: each with the layers that make it differ."""

from keras_vit.models.published.bare_attention import BareAttention, BareAttentionBlock

__all__ = [
    "BareAttention",
    "BareAttentionBlock",
]
