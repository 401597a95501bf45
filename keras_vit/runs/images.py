"""The images of a run: loaded, compared with those it began with, limited, split."""

import contextlib
import hashlib
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from keras_vit.data import (
    ImageData,
    PassedOverWarning,
    StreamedImages,
    UnreadableImagesWarning,
    load_data,
    train_validation_split,
)
from keras_vit.data.channels import with_channels
from keras_vit.data.loading import NAMES
from keras_vit.runs.bad_loss import BadLoss
from keras_vit.runs.spec import RunSpec

TOLD_IN_A_LINE = (UnreadableImagesWarning, PassedOverWarning)  # warnings about a folder's files


class RunImages(NamedTuple):
    """The images of a run.

    Attributes:
        data: `ImageData`; its training images do not contain those for validation.
        validation: (images, labels) that are looked at during the run.
        validation_name: str, "validation", or "test" where no images are held out.
    """

    data: ImageData
    validation: tuple[np.ndarray, np.ndarray]
    validation_name: str


def load_images(spec: RunSpec, start: keras.Model | None = None) -> RunImages:
    """Load a run's data and hold out its validation images, a sample of every class.

    Args:
        spec: the run's specification.
        start: model that is fine-tuned. Default: None, a new model is made for the data.
    """
    return split_images(load_run_data(spec, start), spec)


def check_same_images(spec: RunSpec, images: RunImages, folder: Path) -> RunSpec:
    """Refuse to go on with other images than the run began with.

    Other images, or the same under other names, would change which images train and which test.

    Args:
        spec: the run's specification.
        images: the images that were loaded now.
        folder: of the run, for the message.

    Returns:
        The specification with the digest of these images, which the next resumption compares.

    Raises:
        ValueError: where the digest is another one than in the specification.
    """
    digest = images_digest(images)
    # A run that version 0.1 began has a digest of fewer pixels.
    if spec.data_digest not in (None, digest, images_digest(images, fingerprint_of_0_1)):
        raise ValueError(
            f"the images of {spec.data} are not those that the run in {folder} began with; "
            "--overwrite begins anew"
        )
    return spec.replace(data_digest=digest)


def images_digest(images: RunImages, fingerprint: Callable | None = None) -> str:
    """Return the SHA-256 of class names, labels and the fingerprint of every part.

    Args:
        images: the run's images.
        fingerprint: function from images to bytes. Default: None, `fingerprint_of_all`.
    """
    fingerprint = fingerprint or fingerprint_of_all
    data = images.data
    digest = hashlib.sha256("\n".join(data.class_names).encode())
    for x, y in (data.train, images.validation, data.test):
        if y is not None:
            digest.update(np.asarray(y, "<i4").tobytes())
            digest.update(fingerprint(x))
    return digest.hexdigest()


def fingerprint_of_all(images) -> bytes:
    """Return bytes that differ for other images, or another order of them.

    Every pixel of an array; the names and sizes of the files of streamed images.
    """
    if isinstance(images, StreamedImages):
        return b"\n".join(
            os.fsencode(path.name) + b" %d" % path.stat().st_size for path in images.paths
        )
    return np.ascontiguousarray(images).tobytes()


def fingerprint_of_0_1(images) -> bytes:
    """Return what version 0.1 took for the same purpose: one pixel in 64, or the files' names."""
    if isinstance(images, StreamedImages):
        return b"\n".join(os.fsencode(path.name) for path in images.paths)
    return np.ascontiguousarray(images[:, ::8, ::8]).tobytes()


@contextlib.contextmanager
def naming_unreadable(images: RunImages) -> Iterator[None]:
    """Raise the ValueError of a streamed image that can't be read any more, whatever came of it.

    TensorFlow wraps what a data set raised in an error of its own, without the file's name.

    Args:
        images: the images that are read in the block.
    """
    try:
        yield
    except BadLoss:
        raise
    except Exception:
        for part in (images.data.x_train, images.validation[0], images.data.x_test):
            if getattr(part, "failure", None) is not None:
                raise part.failure from None
        raise


def split_images(data: ImageData, spec: RunSpec) -> RunImages:
    """Hold out the validation images of loaded data, and limit the training images."""
    count = spec.preset.validation_images
    share = count / len(data.x_train)
    if not share:
        return RunImages(limited(data, spec), data.test, "test")
    if share >= 1:
        raise ValueError(f"{count} validation images leave none of {len(data.x_train)} to train on")
    # The split is of the images' numbers, because the images may be more than memory holds.
    numbers = np.arange(len(data.x_train))
    train, validation = train_validation_split(numbers, data.y_train, share, spec.seed)
    validation = data.x_train.take(validation[0], axis=0), validation[1]
    data = data._replace(x_train=data.x_train.take(train[0], axis=0), y_train=train[1])
    return RunImages(limited(data, spec), validation, "validation")


def load_run_data(spec: RunSpec, start: keras.Model | None = None) -> ImageData:
    """Load the data as `load_data` gives it, and say its warnings about files in a line."""
    with warnings.catch_warnings(record=True) as caught:
        for category in TOLD_IN_A_LINE:
            warnings.simplefilter("always", category)
        data = load_data(
            spec.data,
            data_dir=spec.data_dir,
            image_size=stored_size(spec, start),
            seed=spec.seed,
            skip_bad=spec.skip_bad,
            stream=spec.stream,
        )
    for warning in caught:
        if issubclass(warning.category, TOLD_IN_A_LINE):
            print(f"{spec.recipe}: {warning.message}")
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    if isinstance(data.x_train, StreamedImages):
        print(f"{spec.recipe}: reading the images from their files as they are needed")
    return data if start is None else in_channels(data, start.image_shape[2])


def stored_size(spec: RunSpec, start: keras.Model | None):
    """Return the size that images are resized to when they are loaded; None leaves them.

    Photographs for fine-tuning are kept a seventh larger than the model takes them, 256 pixels
    for 224, so that a random crop has something to choose from.
    """
    if start is None:
        return spec.image_size
    if spec.data in NAMES or not Path(os.path.expanduser(spec.data)).is_dir():
        return None  # The training step resizes arrays.
    return tuple(side + -(-side // 7) for side in start.image_shape[:2])


def in_channels(data: ImageData, channels: int) -> ImageData:
    """Return the data in grey or in colours, with as many channels as the model takes."""
    return data._replace(
        **{
            key: x.with_channels(channels)
            if isinstance(x, StreamedImages)
            else with_channels(x, channels)
            for key, x in (("x_train", data.x_train), ("x_test", data.x_test))
        }
    )


def limited(data: ImageData, spec: RunSpec) -> ImageData:
    """Return the data with as many training images as the user's limit allows."""
    if spec.limit is None or spec.limit >= len(data.x_train):
        return data
    order = np.random.default_rng(spec.seed).permutation(len(data.x_train))
    chosen = np.sort(order[: spec.limit])
    return data._replace(x_train=data.x_train.take(chosen, axis=0), y_train=data.y_train[chosen])
