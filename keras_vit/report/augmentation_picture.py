"""A picture of what AutoAugment does to an image."""

from pathlib import Path

import numpy as np
from keras import ops

from keras_vit.augment import AutoAugment
from keras_vit.augment.policies import POLICIES
from keras_vit.report.figures import new_figure, save_figure, show_image


def augmentation_picture(
    image: np.ndarray, path: Path, policy: str = "cifar10", **arguments
) -> None:
    """Draw an image under each of AutoAugment's sub-policies, with both operations applied.

    The title of each panel names the operations, their level from 0 to 9, and how often AutoAugment
    applies each of them.

    Args:
        image: array `(H, W, C)`, 0-255, with 1 or 3 channels.
        path: Path, the PNG file.
        policy: str, name of the policy, as in `AutoAugment`. Default: "cifar10".
        **arguments: further arguments of `AutoAugment`.

    Raises:
        ValueError: if the image has another shape or there is no such policy.
    """
    image = np.asarray(image)
    if image.ndim != 3:
        raise ValueError(f"`image` must be (H, W, C). Received: shape={image.shape}")
    layer = AutoAugment(policy, **arguments)
    sub_policies = POLICIES[policy]
    count = len(sub_policies)
    both, upwards = np.ones((count, 2), bool), np.ones((count, 2), int)
    images = np.repeat(image[None], count, axis=0)
    augmented = ops.convert_to_numpy(layer.apply_policy(images, np.arange(count), both, upwards))
    figure = new_figure(9, 8.6)
    beside, grid = figure.subfigures(1, 2, width_ratios=(1, 6))
    original = beside.subplots()
    show_image(original, image)
    original.set_title("image", size=9)
    axes = grid.subplots(5, -(-count // 5))
    for panel, shown, operations in zip(axes.flat, augmented, sub_policies, strict=True):
        show_image(panel, shown)
        lines = [f"{name} {level} ({chance:.0%})" for name, chance, level in operations]
        panel.set_title("\n".join(lines), size=8)
    figure.suptitle(
        f"AutoAugment's {count} sub-policies ({policy}): operation, level and how often", size=11
    )
    save_figure(figure, path)
