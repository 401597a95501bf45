"""What the readers of all formats share for the ResNet of a hybrid model."""

import re

from keras_vit.weights.source import count_indices
from keras_vit.weights.tensors import Tensors


def is_backbone(name: str) -> bool:
    """Return whether a tensor name, in the form of `HybridBackbone`, belongs to the ResNet."""
    return re.match(r"(conv_root|gn_root|block\d+/unit\d+/)", name) is not None


def backbone_arguments(tensors: Tensors, kernel_size: int, width: int) -> dict:
    """Return the arguments of `HybridViT` that describe its ResNet.

    Args:
        tensors: `Tensors`, in which the layers of the ResNet have the names that `HybridBackbone`
            gives them, such as `block1/unit1/conv1`.
        kernel_size: int, side in pixels of the kernel of the first convolution.
        width: int, number of filters of the first convolution.

    Returns:
        A dict with `width`, `stem` and `stages`.
    """
    stages = count_indices(tensors.names, r"block(\d+)/")
    return {
        "width": width,
        "stem": "imagenet" if kernel_size == 7 else "small",
        "stages": tuple(
            count_indices(tensors.names, rf"block{i + 1}/unit(\d+)/") for i in range(stages)
        ),
    }


def reduction(arguments: dict) -> int:
    """Return by how much a ResNet reduces the height and width of an image.

    Args:
        arguments: dict, what `backbone_arguments` returns.

    Returns:
        The side in pixels of the part of the image that one cell of the feature map stands for.
    """
    halvings = max(0, len(arguments["stages"]) - 1)
    return (4 if arguments["stem"] == "imagenet" else 1) << halvings
