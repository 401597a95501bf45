"""A picture of what the last block attends to, over the images."""

from pathlib import Path

import keras
import numpy as np
from keras import ops

from keras_vit.inspection.attention import attention_maps
from keras_vit.inspection.checks import checked_images
from keras_vit.inspection.patch_attention import patch_attention, reads_class_token
from keras_vit.models.intermediates import plain_model
from keras_vit.report.figures import (
    checked_labels,
    new_figure,
    save_figure,
    short_names,
    show_image,
)


def attended_images(images: np.ndarray, attention: np.ndarray) -> np.ndarray:
    """Multiply images by the attention, so that the places where the model looks are bright.

    The attention is resized to the image and scaled to 0-1 for each image. The product is doubled,
    so that it is not too dark.

    Args:
        images: array `(B, H, W, C)`, 0-255.
        attention: float array `(B, rows, columns)`, as from `patch_attention`.

    Returns:
        Uint8 `(B, H, W, C)`.
    """
    from PIL import Image

    height, width = images.shape[1:3]
    resized = np.stack(
        [
            np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR))
            for plane in np.asarray(attention, "float32")
        ]
    )
    low, high = (f(resized, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    scaled = (resized - low) / np.maximum(high - low, 1e-12)
    return np.clip(2 * scaled[..., None] * images, 0, 255).astype("uint8")


def attention_picture(
    model: keras.Model, images: np.ndarray, labels: np.ndarray | None, path: Path
) -> None:
    """Draw images, and below them what the last block attends to.

    Args:
        model: a `ViT`, or an `AugmentedModel` around one.
        images: array `(B, H, W, C)`, 0-255, one for each column.
        labels: int array `(B,)`, true classes, or None if they are not known.
        path: Path, the PNG file.

    Raises:
        ValueError: if the model does not take images of this shape or does not have the classes.
    """
    model, images = plain_model(model), checked_images(model, images)
    maps = attention_maps(model, images, layers=[-1])[0]
    shown = attended_images(images, patch_attention(maps, model.grid, reads_class_token(model)))
    titles = captions(model, images, labels)
    figure = new_figure(max(4.8, 1.5 * len(images)), 3.7)
    axes = figure.subplots(2, len(images), squeeze=False)
    for column, (image, attended) in enumerate(zip(images, shown, strict=True)):
        show_image(axes[0, column], image)
        show_image(axes[1, column], attended)
        axes[0, column].set_title(titles[column], size=9, parse_math=False)
    axes[0, 0].set_ylabel("image", size=9)
    axes[1, 0].set_ylabel("attention × image", size=9)
    figure.suptitle(f"{attention_title(model)} in the last block, mean over heads", size=10)
    save_figure(figure, path)


def attention_title(model: keras.Model) -> str:
    """Return the first words of the title of a picture of attention."""
    if reads_class_token(model):
        return "Where the class token looks"
    return "Where the patches look on average"


def captions(model: keras.Model, images: np.ndarray, labels: np.ndarray | None = None) -> list[str]:
    """Write the caption of each image: its true class and, if it differs, the predicted class.

    Args:
        model: the plain model.
        images: float32 array `(B, H, W, C)`, 0-255.
        labels: int array `(B,)`, true classes. None: the captions name only the predicted classes.
            Default: None.

    Returns:
        A list of B str. A check mark stands behind a class that was predicted correctly.
    """
    names = short_names(model.class_names or range(model.output_shape[-1]))
    # The model is called and not `predict`, because compiling would take longer than a few images.
    logits = model(images, training=False)
    predicted = ops.convert_to_numpy(ops.argmax(logits, axis=1))
    if labels is None:
        return [f"predicted: {names[guess]}" for guess in predicted]
    labels = checked_labels(labels, len(images), len(names))
    right = "{} \N{CHECK MARK}"
    wrong = "{},\npredicted: {}"
    return [
        (right if true == guess else wrong).format(names[true], names[guess])
        for true, guess in zip(labels, predicted, strict=True)
    ]
