"""The ResNet under a hybrid, in all formats: stages and units as `HybridBackbone` names them."""

import re

from keras_vit.weights.source import count_numbered


def is_backbone(name):
    return re.match(r"(conv_root|gn_root|block\d+/unit\d+/)", name) is not None


def backbone_arguments(tensors, kernel_size, width):
    """`HybridViT`'s arguments of its ResNet.

    Args:
        tensors: `Tensors`, the ResNet's by Google's names, but for the last word.
        kernel_size: of the first convolution.
        width: its number of filters.
    """
    stages = count_numbered(tensors.names, r"block(\d+)/")
    return {
        "width": width,
        "stem": "imagenet" if kernel_size == 7 else "small",
        "stages": tuple(
            count_numbered(tensors.names, rf"block{i + 1}/unit(\d+)/") for i in range(stages)
        ),
    }


def reduction(arguments):
    """Pixels a side of a cell of the feature map that these arguments make."""
    halvings = max(0, len(arguments["stages"]) - 1)
    return (4 if arguments["stem"] == "imagenet" else 1) << halvings
