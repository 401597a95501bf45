"""The models: the Vision Transformer, its hybrid with a ResNet, and a ResNet to compare with."""

from keras_vit.models.hybrid import HybridViT
from keras_vit.models.intermediates import intermediates
from keras_vit.models.resnet import ResNet
from keras_vit.models.vit import ViT

__all__ = ["HybridViT", "ResNet", "ViT", "intermediates"]
