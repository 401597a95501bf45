"""What a checkpoint file says of its model."""

import dataclasses
import re

from keras_vit.weights.layouts import Rule


@dataclasses.dataclass(frozen=True)
class Source:
    """A checkpoint, understood.

    Attributes:
        tensors: its `Tensors`, by names that all files of the format share.
        arguments: of `ViT` or `HybridViT`, as far as the tensors tell; `num_classes` is the
            file's own head's, `patch_size` a pair.
        channels: of the images.
        rules: from tensors to weights, but for positions.
        positions: name of the tensor of learned positions; None without.
        prefixes: how many of these positions may be those of other tokens than patches, the
            likeliest first.
        spare: names that may be left, with what they are.
        hybrid: whether the patches come out of a ResNet.
        reduction: pixels a side of what a patch is measured in; 1 but for a hybrid.
    """

    tensors: object
    arguments: dict
    channels: int
    rules: list[Rule]
    positions: str | None
    prefixes: tuple[int, ...]
    spare: dict[str, str]
    hybrid: bool = False
    reduction: int = 1


def count_numbered(names, pattern):
    """How many different numbers a pattern's first group has among the names."""
    return len({match[1] for match in map(re.compile(pattern).match, names) if match})


def check_has(tensors, *names):
    """A ValueError that lists which of these tensors a file lacks."""
    missing = [tensors.original(name) for name in names if name not in tensors]
    if missing:
        raise ValueError(f"{tensors.path}: missing: {', '.join(missing)}")
