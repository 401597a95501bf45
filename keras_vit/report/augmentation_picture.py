"""What AutoAugment does to an image."""

import numpy as np
from keras import ops

from keras_vit.augment import AutoAugment
from keras_vit.augment.policies import POLICIES
from keras_vit.report.figures import new_figure, save_figure, show_image


def augmentation_picture(image, path, policy="cifar10", **arguments):
    """Draws an image under each of AutoAugment's sub-policies, both operations applied.

    Above each stand its operations with their level, 0 to 9, and how often each is applied.

    Args:
        image: `(H, W, C)`, 0-255, C = 1 or 3.
        path: of the PNG file.
        policy, **arguments: as in `AutoAugment`.

    Raises:
        ValueError: for another shape or policy.
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
