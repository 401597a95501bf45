"""The models: the Vision Transformer, two hybrids, and a ResNet to compare with."""

from keras_vit.models.conv_vit import ConvViT
from keras_vit.models.hybrid import HybridViT
from keras_vit.models.intermediates import intermediates
from keras_vit.models.resnet import ResNet
from keras_vit.models.vit import ViT

__all__ = ["ConvViT", "HybridViT", "ResNet", "ViT", "intermediates"]
