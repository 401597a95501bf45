"""Heat maps over images: one row an image, one column a block, a head or a method."""

import numpy as np

from keras_vit.inspection.attention import attention_blocks, attention_maps
from keras_vit.inspection.checks import checked_images
from keras_vit.inspection.patch_attention import patch_attention, reads_class_token
from keras_vit.inspection.relevance import attention_relevance
from keras_vit.inspection.rollout import attention_rollout
from keras_vit.models.intermediates import plain_model
from keras_vit.report.attention_picture import captions, who_looks
from keras_vit.report.figures import new_figure, save_figure, show_image, spread

PANEL = 1.4  # width of an image, in inches


def attention_layers_picture(model, images, labels, path, layers=None):
    """Draws what each block attends to, mean over its heads.

    Args:
        model: a `ViT`, or an `AugmentedModel` around one.
        images: `(B, H, W, C)`, 0-255; a row each.
        labels: their true classes, int `(B,)`; None where they are not known.
        path: of the PNG file.
        layers: indices of the blocks; None: all, or 8 of them spread evenly.

    Raises:
        ValueError: for images that the model does not take, or labels that are none of its.
    """
    model, images = plain_model(model), checked_images(model, images)
    names = [block.name for block in attention_blocks(model)]
    chosen = spread(len(names)) if layers is None else list(layers)
    maps = attention_maps(model, images, chosen)
    heats = {names[i]: over_patches(model, block) for i, block in zip(chosen, maps, strict=True)}
    title = f"Where {who_looks(model)}, mean over heads"
    overlay_picture(images, heats, captions(model, images, labels), title, path)


def attention_heads_picture(model, images, labels, path, layer=-1):
    """Draws what each head of one block attends to.

    Args:
        model, images, labels, path: as in `attention_layers_picture`.
        layer: index of the block. Of more than 8 heads, 8 spread evenly are drawn.
    """
    model, images = plain_model(model), checked_images(model, images)
    name = attention_blocks(model, [layer])[0].name
    maps = attention_maps(model, images, [layer])[0]
    heats = {f"head {i}": over_patches(model, maps[:, i]) for i in spread(maps.shape[1])}
    title = f"Where {who_looks(model)} in {name}, head by head"
    overlay_picture(images, heats, captions(model, images, labels), title, path)


def attention_methods_picture(model, images, labels, path):
    """Draws the last block's attention beside rollout and gradient relevance.

    Args:
        model, images, labels, path: as in `attention_layers_picture`.
    """
    model, images = plain_model(model), checked_images(model, images)
    maps = attention_maps(model, images)
    heats = {
        "last block": maps[-1],
        "rollout": attention_rollout(maps),
        # Less what each token has of itself, which has nothing to do with attention.
        "relevance": attention_relevance(model, images) - np.eye(maps.shape[-1]),
    }
    heats = {name: over_patches(model, heat) for name, heat in heats.items()}
    title = "Attention of the last block, rolled out through all, and its relevance\n"
    title += "for the predicted class"
    overlay_picture(images, heats, captions(model, images, labels), title, path)


def overlay_picture(images, heats, captions, title, path):
    """Draws images, and beside each one heat maps over it.

    Each map has the whole range of colours; its least and greatest share stand below it.

    Args:
        images: `(B, H, W, C)`, 0-255.
        heats: dict from a column's name to `(B, rows, columns)`, 0 or more.
        captions: a str for each image.
        title: of the figure.
        path: of the PNG file.
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
    bar.set_label("attention, panel by panel", size=8)
    figure.suptitle(title, size=10)
    save_figure(figure, path)


def show_heat(axes, image, heat):
    """One map `(rows, columns)` over one grey image, its range in per cent below."""
    height, width = image.shape[:2]
    # Never black: colours would not be told apart on it.
    show_image(axes, 64 + 0.75 * image.mean(axis=-1, keepdims=True))
    shares = 100 * heat / max(heat.sum(), 1e-12)
    low, high = shares.min(), shares.max()
    axes.set_xlabel(f"{low:.1f}–{high:.1f} %", size=8, labelpad=2)
    scaled = (shares - low) / max(high - low, 1e-12)
    axes.imshow(
        scaled,
        cmap="viridis",
        alpha=0.35 + 0.5 * scaled,  # where it looks little, the image shows through
        vmin=0,
        vmax=1,
        interpolation="bilinear",
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )


def over_patches(model, maps):
    return patch_attention(maps, model.grid, reads_class_token(model))
