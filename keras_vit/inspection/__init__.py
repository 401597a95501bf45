"""Looking inside: arrays first, pictures second."""

from keras_vit.inspection.attention import attention_maps, iter_attention_maps

__all__ = [
    "attention_maps",
    "iter_attention_maps",
]
