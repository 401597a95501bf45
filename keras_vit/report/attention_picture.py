"""What the last block attends to, laid over the images."""

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


def attended_images(images, attention):
    """Images multiplied by where the model looks, doubled for show.

    The map is resized to the image, scaled to 0-1 for each image and multiplied in.

    Args:
        images: `(B, H, W, C)`, 0-255.
        attention: `(B, rows, columns)`, such as `patch_attention` gives.

    Returns:
        uint8 `(B, H, W, C)`.
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


def attention_picture(model, images, labels, path):
    """Draws images above what the last block attends to in them.

    Args:
        model: a `ViT`, or an `AugmentedModel` around one.
        images: `(B, H, W, C)`, 0-255; a column each.
        labels: their true classes, int `(B,)`; None where they are not known.
        path: of the PNG file.

    Raises:
        ValueError: for images that the model does not take, or labels that are none of its.
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
    figure.suptitle(f"Where {who_looks(model)} in the last block, mean over heads", size=10)
    save_figure(figure, path)


def who_looks(model):
    return "the class token looks" if reads_class_token(model) else "the patches look on average"


def captions(model, images, labels=None):
    """For each image its true class, with a tick where that is the predicted one.

    Args:
        model: the plain model.
        images: float32 `(B, H, W, C)`, 0-255.
        labels: true classes, int `(B,)`; None: the predicted classes alone.
    """
    names = short_names(model.class_names or range(model.output_shape[-1]))
    # Not `predict`, which would be compiled for a handful of images.
    logits = model(images, training=False)
    predicted = ops.convert_to_numpy(ops.argmax(logits, axis=1))
    if labels is None:
        return [f"taken for {names[guess]}" for guess in predicted]
    labels = checked_labels(labels, len(images), len(names))
    right = "{} \N{CHECK MARK}"
    wrong = "{},\ntaken for {}"
    return [
        (right if true == guess else wrong).format(names[true], names[guess])
        for true, guess in zip(labels, predicted, strict=True)
    ]
