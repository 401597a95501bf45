"""Any Keras image classifier, ours or not: what it takes and what its outputs mean."""

import functools
import sys
from pathlib import Path

import keras
import numpy as np

from keras_vit.data.channels import with_channels
from keras_vit.data.image_file import read_image, reading_images
from keras_vit.data.resizing import resize_images
from keras_vit.inspection.attention import attention_blocks
from keras_vit.models.intermediates import plain_model
from keras_vit.models.outputs import gives_probabilities

BATCH = 256
WITH_PROGRESS = 2000  # images from which a bar is shown


class Classifier:
    """A model with the names of its classes, asked for probabilities.

    Args:
        model: a `keras.Model` from images `(B, H, W, C)`, values 0-255, to logits or
            probabilities `(B, K)`; or an `AugmentedModel` around one.
        class_names: K strings; None: the model's own `class_names`, else "0", "1" ...

    Raises:
        ValueError: for a model of another kind, or names that don't fit.
    """

    def __init__(self, model: keras.Model, class_names=None):
        self.model = model = plain_model(model)
        takes, gives = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
        if not is_shape(takes, 4) or takes[3] is None:
            raise ValueError(f"the model must take images (B, H, W, C); it takes {takes}")
        if getattr(model, "num_classes", None) == 0:
            raise ValueError(f"the model has no head: it gives features {gives}, not classes")
        if not is_shape(gives, 2) or (gives[1] or 0) < 2:
            raise ValueError(f"the model must give logits of its classes (B, K); it gives {gives}")
        self.image_shape = tuple(takes[1:])
        names = class_names or getattr(model, "class_names", None) or map(str, range(gives[1]))
        self.class_names = tuple(names)
        if len(self.class_names) != gives[1]:
            raise ValueError(f"{len(self.class_names)} class names for {gives[1]} classes")

    @functools.cached_property
    def gives_probabilities(self) -> bool:
        """Whether the model gives probabilities; else it gives logits."""
        return gives_probabilities(self.model)

    @property
    def image_size(self):
        """(height, width) that the model takes; None where it takes any."""
        return None if None in self.image_shape[:2] else self.image_shape[:2]

    @property
    def has_attention(self):
        """Whether the model has Transformer blocks over a grid of patches to look into."""
        try:
            attention_blocks(self.model)
        except ValueError:
            return False
        return hasattr(self.model, "grid") and hasattr(self.model, "class_token")

    def read(self, path, max_pixels=None) -> tuple[np.ndarray, tuple[int, int]]:
        """Reads a PNG, JPEG, WebP or BMP file as the model takes it.

        Args:
            path: of the file.
            max_pixels: of a picture; None: Pillow's own limit.

        Returns:
            uint8 `(H, W, C)` in the model's size and channels, and the (height, width) that the
            picture had before.

        Raises:
            ValueError: naming a file that can't be read; `TooManyPixels` for too large a one.
        """
        try:
            with reading_images():
                if max_pixels is not None:
                    check_pixels(path, max_pixels)
                image = read_image(Path(path))
        except TooManyPixels:
            raise
        # Pillow's decoders raise OSError, SyntaxError, struct.error … on damaged bytes.
        except Exception as error:
            raise ValueError(f"{path}: can't read this image: {error}") from None
        image = image if image.ndim == 3 else image[..., np.newaxis]
        return self.fitted(image[np.newaxis])[0], image.shape[:2]

    def fitted(self, images: np.ndarray) -> np.ndarray:
        """uint8 images `(B, h, w, c)` in the model's size and channels."""
        if self.image_size is not None:
            images = resize_images(images, self.image_size)
        return with_channels(images, self.image_shape[2])

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """float32 `(B, K)`, each row summing to 1, for uint8 images of any size `(B, h, w, c)`."""
        told = len(images) >= WITH_PROGRESS and sys.stdout.isatty()
        bar = keras.utils.Progbar(len(images), verbose=int(told))
        outputs = []
        # All images at once may not fit in the model's size: 10,000 of 224x224 are 1.5 GB.
        for start in range(0, len(images), BATCH):
            batch = self.fitted(images[start : start + BATCH])
            outputs.append(self.model.predict(batch, batch_size=BATCH, verbose=0))
            bar.add(len(batch))
        return self.as_probabilities(np.concatenate(outputs))

    def as_probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return the model's outputs `(B, K)` as float32 probabilities, whose rows sum to 1.

        The softmax of logits; what a model that ends in a softmax gives stays as it is.
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
        """The likeliest classes of one image's `(K,)`: (name, probability), likeliest first."""
        order = np.argsort(-probabilities, kind="stable")[:count]
        return [(self.class_names[k], float(probabilities[k])) for k in order]


class TooManyPixels(ValueError):
    """A picture that would take too much memory and time."""


def check_pixels(path, most):
    """Looks at a picture's size before its pixels are unpacked."""
    from PIL import Image

    with Image.open(path) as picture:
        width, height = picture.size
    if width * height > most:
        raise TooManyPixels(f"{width}x{height} pixels are too many; at most {most:,} are taken")


def is_shape(value, rank):
    return isinstance(value, tuple) and len(value) == rank and not isinstance(value[0], tuple)
