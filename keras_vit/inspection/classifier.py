"""A wrapper for any Keras image classifier that returns probabilities of named classes."""

import functools
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from keras_vit.data.channels import with_channels
from keras_vit.data.image_file import read_image, reading_images
from keras_vit.data.resizing import resize_images
from keras_vit.inspection.attention import attention_blocks
from keras_vit.models.intermediates import plain_model
from keras_vit.models.outputs import gives_probabilities

BATCH = 256  # number of images that the model computes at a time
WITH_PROGRESS = 2000  # number of images from which a progress bar is shown


class Classifier:
    """A model with the names of its classes, which returns probabilities.

    Args:
        model: a `keras.Model` from images `(B, H, W, C)`, values 0-255, to logits or
            probabilities `(B, K)`, or an `AugmentedModel` around such a model.
        class_names: sequence of K str or None. None: the `class_names` of the model, and for a
            model without them "0", "1" and so on. Default: None.

    Raises:
        ValueError: if the model does not map images to classes, or if there are not K names.
    """

    def __init__(self, model: keras.Model, class_names: Sequence[str] | None = None) -> None:
        self.model = model = plain_model(model)
        inputs, outputs = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
        if not is_shape(inputs, 4) or inputs[3] is None:
            raise ValueError(
                f"the model must take images (B, H, W, C). Received: input_shape={inputs}"
            )
        if getattr(model, "num_classes", None) == 0:
            raise ValueError(
                "the model must return classes, but it has no head and returns features. "
                f"Received: num_classes=0, output_shape={outputs}"
            )
        if not is_shape(outputs, 2) or (outputs[1] or 0) < 2:
            raise ValueError(
                "the model must return logits or probabilities of two or more classes, (B, K). "
                f"Received: output_shape={outputs}"
            )
        self.image_shape = tuple(inputs[1:])
        names = class_names or getattr(model, "class_names", None) or map(str, range(outputs[1]))
        self.class_names = tuple(names)
        if len(self.class_names) != outputs[1]:
            raise ValueError(
                f"there must be one class name for each of the {outputs[1]} classes. "
                f"Received: {len(self.class_names)} class names"
            )

    @functools.cached_property
    def gives_probabilities(self) -> bool:
        """Whether the model returns probabilities; otherwise it returns logits."""
        return gives_probabilities(self.model)

    @property
    def image_size(self) -> tuple[int, int] | None:
        """The (height, width) that the model takes, or None if it takes any size."""
        return None if None in self.image_shape[:2] else self.image_shape[:2]

    @property
    def has_attention(self) -> bool:
        """Whether the model has Transformer blocks over a grid of patches."""
        try:
            attention_blocks(self.model)
        except ValueError:
            return False
        return hasattr(self.model, "grid") and hasattr(self.model, "class_token")

    def read(
        self, path: Path | str, max_pixels: int | None = None
    ) -> tuple[np.ndarray, tuple[int, int]]:
        """Read an image file, as `read_image` takes them, in the model's size and channels.

        Args:
            path: str or Path, the image file.
            max_pixels: int or None, largest number of pixels of a picture. None: the limit of
                Pillow. Default: None.

        Returns:
            Uint8 `(H, W, C)` in the model's size and channels, and the (height, width) of the
            picture in the file.

        Raises:
            ValueError: if the file can't be read; the error names the file. `TooManyPixels`, a
                ValueError, if the picture is too large.
        """
        try:
            with reading_images():
                if max_pixels is not None:
                    check_pixels(path, max_pixels)
                image = read_image(Path(path))
        except TooManyPixels:
            raise
        # For damaged files, Pillow's decoders raise OSError, SyntaxError, struct.error and others.
        except Exception as error:
            raise ValueError(f"{path}: can't read this image: {error}") from None
        image = image if image.ndim == 3 else image[..., np.newaxis]
        return self.fitted(image[np.newaxis])[0], image.shape[:2]

    def fitted(self, images: np.ndarray) -> np.ndarray:
        """Resize uint8 images `(B, h, w, c)` to the model's size and give them its channels."""
        if self.image_size is not None:
            images = resize_images(images, self.image_size)
        return with_channels(images, self.image_shape[2])

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Compute the probabilities of the classes.

        Args:
            images: uint8 array `(B, h, w, c)` of any size.

        Returns:
            Float32 `(B, K)`; each row sums to 1.
        """
        shows_progress = len(images) >= WITH_PROGRESS and sys.stdout.isatty()
        bar = keras.utils.Progbar(len(images), verbose=int(shows_progress))
        outputs = []
        # All resized images together may not fit into memory: 10,000 images of 224x224 pixels need
        # 1.5 GB.
        for start in range(0, len(images), BATCH):
            batch = self.fitted(images[start : start + BATCH])
            outputs.append(self.model.predict(batch, batch_size=BATCH, verbose=0))
            bar.add(len(batch))
        return self.as_probabilities(np.concatenate(outputs))

    def as_probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return the model's outputs `(B, K)` as float32 probabilities, whose rows sum to 1.

        For a model that returns logits this is their softmax. The outputs of a model that returns
        probabilities do not change.
        """
        outputs = np.asarray(outputs, "float32")
        if self.gives_probabilities:
            return outputs
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def log_probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return the natural logarithm of the probabilities of the model's outputs `(B, K)`."""
        if self.gives_probabilities:
            return np.log(np.maximum(outputs, np.finfo("float32").tiny))
        return outputs - np.logaddexp.reduce(outputs, axis=1, keepdims=True)

    def top(self, probabilities: np.ndarray, count: int = 5) -> list[tuple[str, float]]:
        """Return the most probable classes of one image.

        Args:
            probabilities: float array `(K,)`.
            count: int, largest number of classes. Default: 5.

        Returns:
            A list of pairs (name, probability), the most probable class first.
        """
        order = np.argsort(-probabilities, kind="stable")[:count]
        return [(self.class_names[k], float(probabilities[k])) for k in order]


class TooManyPixels(ValueError):
    """The error for a picture that would need too much memory and time."""


def check_pixels(path: Path | str, most: int) -> None:
    """Raise `TooManyPixels` for a picture that is too large, before its pixels are decoded."""
    from PIL import Image

    with Image.open(path) as picture:
        width, height = picture.size
    if width * height > most:
        raise TooManyPixels(
            f"a picture may have at most {most:,} pixels. Received: {width}x{height} pixels"
        )


def is_shape(value, rank: int) -> bool:
    """Return whether a value is one shape of this rank, and not a tuple of shapes."""
    return isinstance(value, tuple) and len(value) == rank and not isinstance(value[0], tuple)
