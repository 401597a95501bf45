"""Loading of published checkpoints, and export for other libraries."""

from keras_vit.layers.rescaling import rescaling_of
from keras_vit.weights.config_file import IMAGENET
from keras_vit.weights.loading import LeftOutWarning, load_checkpoint
from keras_vit.weights.tensors import AveragedWeightsWarning
from keras_vit.weights.to_huggingface import to_huggingface
from keras_vit.weights.to_timm import to_timm

__all__ = [
    "IMAGENET",
    "AveragedWeightsWarning",
    "LeftOutWarning",
    "load_checkpoint",
    "rescaling_of",
    "to_huggingface",
    "to_timm",
]
