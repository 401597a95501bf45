"""What the last block attends to, laid over the images."""

import numpy as np

from keras_vit.inspection.attention import attention_maps
from keras_vit.inspection.figures import new_figure, save_figure
from keras_vit.inspection.patch_attention import patch_attention


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
        model: a `ViT` with class names.
        images: `(B, H, W, C)`, 0-255; a column each.
        labels: their true classes, int `(B,)`.
        path: of the PNG file.
    """
    maps = attention_maps(model, images, layers=[-1])[0]
    shown = attended_images(images, patch_attention(maps, model.grid, model.class_token))
    predicted = np.argmax(model.predict(images, verbose=0), axis=1)
    figure = new_figure(1.5 * len(images), 3.7)
    axes = figure.subplots(2, len(images), squeeze=False)
    for column, (image, attended) in enumerate(zip(images, shown, strict=True)):
        for row, picture in enumerate((image, attended)):
            if picture.shape[-1] != 3:  # grey, or channels that are no colours
                picture = picture.mean(axis=-1)
            axes[row, column].imshow(picture, cmap="gray", vmin=0, vmax=255)
            axes[row, column].set(xticks=[], yticks=[])
        true, guess = (model.class_names[k] for k in (labels[column], predicted[column]))
        title = f"{true}" if true == guess else f"{true},\ntaken for {guess}"
        axes[0, column].set_title(title, size=9, parse_math=False)
    axes[0, 0].set_ylabel("image", size=9)
    axes[1, 0].set_ylabel("attention × image", size=9)
    looks = "the class token looks" if model.class_token else "the patches look on average"
    figure.suptitle(f"Where {looks} in the last block, mean over heads", size=10)
    save_figure(figure, path)
