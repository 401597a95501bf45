"""The description of a checkpoint that every reader of a format returns."""

import dataclasses
import re
from collections.abc import Iterable

from keras_vit.weights.layouts import Rule
from keras_vit.weights.tensors import Tensors


@dataclasses.dataclass(frozen=True)
class Source:
    """What a checkpoint file holds, and which model it is for.

    Attributes:
        tensors: `Tensors` of the file, by names that all files of the format share.
        arguments: dict of arguments of `ViT` or `HybridViT`, as far as the tensors give them.
            `num_classes` is that of the file's head, and `patch_size` is a pair.
        channels: int, channels of the images.
        rules: list of `Rule`, from tensors to weights; the positions have none.
        positions: str, name of the tensor of learned positions, or `None` if there is none.
        prefix_counts: tuple of int, how many of these positions may belong to other tokens than
            patches, the most likely number first.
        ignorable: dict from the name of a tensor that a model may leave unused to a description
            of that tensor.
        hybrid: bool, whether a ResNet computes the patches. Default: False.
        reduction: int, by how much this ResNet reduces the height and width of an image, or 1
            without a ResNet. Default: 1.
    """

    tensors: Tensors
    arguments: dict
    channels: int
    rules: list[Rule]
    positions: str | None
    prefix_counts: tuple[int, ...]
    ignorable: dict[str, str]
    hybrid: bool = False
    reduction: int = 1


def count_indices(names: Iterable[str], pattern: str) -> int:
    """Count the different values of a pattern's first group among names.

    Args:
        names: iterable of str.
        pattern: str, a regular expression such as `r"blocks\\.(\\d+)\\."`, which must match at the
            beginning of a name.

    Returns:
        The number of different values, such as the number of blocks.
    """
    return len({match[1] for match in map(re.compile(pattern).match, names) if match})


def check_present(tensors: Tensors, *names: str) -> None:
    """Raise an error unless a file has all of these tensors.

    Args:
        tensors: `Tensors` of the file.
        *names: str, names of tensors.

    Raises:
        ValueError: If a tensor is missing; the message lists all that are missing.
    """
    missing = [tensors.name_in_file(name) for name in names if name not in tensors]
    if missing:
        raise ValueError(
            f"{tensors.path}: the file lacks tensors that the model needs: {', '.join(missing)}"
        )
