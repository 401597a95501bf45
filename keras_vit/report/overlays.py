"""Pictures of heat maps over images, with a row for each image."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from keras_vit.inspection.attention import attention_blocks, attention_maps
from keras_vit.inspection.checks import checked_images
from keras_vit.inspection.patch_attention import patch_attention, reads_class_token
from keras_vit.inspection.relevance import attention_relevance
from keras_vit.inspection.rollout import attention_rollout
from keras_vit.models.intermediates import plain_model
from keras_vit.report.attention_picture import attention_title, captions
from keras_vit.report.figures import new_figure, save_figure, show_image, spread

PANEL = 1.4  # width of an image, in inches


def attention_layers_picture(
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray | None,
    path: Path,
    layers: Sequence[int] | None = None,
) -> None:
    """Draw what each block attends to, as the mean over its heads.

    Args:
        model: a `ViT`, or an `AugmentedModel` around one.
        images: array `(B, H, W, C)`, 0-255, one for each row.
        labels: int array `(B,)`, true classes, or None if they are not known.
        path: Path, the PNG file.
        layers: sequence of ints or None, indices of the blocks. None: all blocks, or 8 evenly
            spaced ones if there are more. Default: None.

    Raises:
        ValueError: if the model does not take images of this shape, does not have the classes, or
            has no block of an index.
    """
    model, images = plain_model(model), checked_images(model, images)
    names = [block.name for block in attention_blocks(model)]
    chosen = spread(len(names)) if layers is None else list(layers)
    maps = attention_maps(model, images, chosen)
    heats = {names[i]: over_patches(model, block) for i, block in zip(chosen, maps, strict=True)}
    title = f"{attention_title(model)}, mean over heads"
    overlay_picture(images, heats, captions(model, images, labels), title, path)


def attention_heads_picture(
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray | None,
    path: Path,
    layer: int = -1,
) -> None:
    """Draw what each head of one block attends to.

    If the block has more than 8 heads, 8 evenly spaced ones are drawn.

    Args:
        model: as in `attention_layers_picture`.
        images: as in `attention_layers_picture`.
        labels: as in `attention_layers_picture`.
        path: Path, the PNG file.
        layer: int, index of the block. Default: -1.

    Raises:
        ValueError: as in `attention_layers_picture`.
    """
    model, images = plain_model(model), checked_images(model, images)
    name = attention_blocks(model, [layer])[0].name
    maps = attention_maps(model, images, [layer])[0]
    heats = {f"head {i}": over_patches(model, maps[:, i]) for i in spread(maps.shape[1])}
    title = f"{attention_title(model)} in {name}, head by head"
    overlay_picture(images, heats, captions(model, images, labels), title, path)


def attention_methods_picture(
    model: keras.Model, images: np.ndarray, labels: np.ndarray | None, path: Path
) -> None:
    """Draw the attention of the last block, the attention rollout and the relevance side by side.

    Args:
        model: as in `attention_layers_picture`.
        images: as in `attention_layers_picture`.
        labels: as in `attention_layers_picture`.
        path: Path, the PNG file.

    Raises:
        ValueError: as in `attention_layers_picture` and `attention_relevance`.
    """
    model, images = plain_model(model), checked_images(model, images)
    maps = attention_maps(model, images)
    heats = {
        "last block": maps[-1],
        "rollout": attention_rollout(maps),
        # The identity is subtracted, because it is the relevance of each token for itself at the
        # start and does not come from attention.
        "relevance": attention_relevance(model, images) - np.eye(maps.shape[-1]),
    }
    heats = {name: over_patches(model, heat) for name, heat in heats.items()}
    title = "Attention of the last block, rollout through all blocks,\n"
    title += "and relevance for the predicted class"
    overlay_picture(images, heats, captions(model, images, labels), title, path)


def overlay_picture(
    images: np.ndarray,
    heats: Mapping[str, np.ndarray],
    captions: Sequence[str],
    title: str,
    path: Path,
) -> None:
    """Draw images, and beside each image heat maps over it.

    Each map uses the whole range of colours. The text below it gives its smallest and its largest
    share of the attention.

    Args:
        images: array `(B, H, W, C)`, 0-255.
        heats: dict from the name of a column to a float array `(B, rows, columns)`, 0 or more.
        captions: sequence of B str, the captions of the images.
        title: str, title of the figure.
        path: Path, the PNG file.
    """
    from matplotlib.cm import ScalarMappable

    height, width = images.shape[1:3]
    letters = max(len(line) for caption in captions for line in caption.splitlines())
    figure = new_figure(
        PANEL * (1 + len(heats)) + 0.08 * letters + 1.5,
        (PANEL * height / width + 0.27) * len(images) + 0.55,
    )
    axes = figure.subplots(len(images), 1 + len(heats), squeeze=False)
    for row, image in enumerate(images):
        show_image(axes[row, 0], image)
        axes[row, 0].set_ylabel(
            captions[row], size=9, rotation=0, ha="right", va="center", parse_math=False
        )
        for column, (name, heat) in enumerate(heats.items(), 1):
            show_heat(axes[row, column], image, heat[row])
            if row == 0:
                axes[row, column].set_title(name, size=9, parse_math=False)
    axes[0, 0].set_title("image", size=9)
    bar = figure.colorbar(
        ScalarMappable(cmap="viridis"), ax=axes, ticks=[0, 1], aspect=30, shrink=0.9
    )
    bar.ax.set_yticklabels(["least", "most"], size=8)
    bar.set_label("attention (scale of each panel)", size=8)
    figure.suptitle(title, size=10)
    save_figure(figure, path)


def show_heat(axes, image: np.ndarray, heat: np.ndarray) -> None:
    """Draw a map `(rows, columns)` over a grey image, and below it the range in per cent."""
    height, width = image.shape[:2]
    # The grey image is never black, because colours on black are hard to distinguish.
    show_image(axes, 64 + 0.75 * image.mean(axis=-1, keepdims=True))
    shares = 100 * heat / max(heat.sum(), 1e-12)
    low, high = shares.min(), shares.max()
    axes.set_xlabel(f"{low:.1f}–{high:.1f} %", size=8, labelpad=2)
    scaled = (shares - low) / max(high - low, 1e-12)
    axes.imshow(
        scaled,
        cmap="viridis",
        alpha=0.35 + 0.5 * scaled,  # The image is visible where the attention is small.
        vmin=0,
        vmax=1,
        interpolation="bilinear",
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )


def over_patches(model: keras.Model, maps: np.ndarray) -> np.ndarray:
    """Arrange attention maps over the patches of the model's grid."""
    return patch_attention(maps, model.grid, reads_class_token(model))
