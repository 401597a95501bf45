"""The images of a run: loaded, limited, split, brought to the model's size."""

import contextlib
import hashlib
import os
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_vit.data import (
    ImageData,
    StreamedImages,
    UnreadableImagesWarning,
    load_data,
    train_validation_split,
)
from keras_vit.data.channels import with_channels
from keras_vit.data.loading import NAMES
from keras_vit.training.fitting import BadLoss


class RunData(NamedTuple):
    """A run's images.

    Attributes:
        data: the `ImageData`; what validates is not in its training images.
        validation: images and labels that are looked at during the run.
        name: what those are, "validation" or "test".
    """

    data: ImageData
    validation: tuple[np.ndarray, np.ndarray]
    name: str


@contextlib.contextmanager
def naming_unreadable(images):
    """Ends with the ValueError of a streamed image that can't be read any more.

    TensorFlow hides what a data set raised in an error of its own.

    Args:
        images: the `RunData` that are read in the block.
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


def run_data(settings, preset, start=None):
    """Loads the data of a run and cuts off what validates it, a sample of every class.

    Args:
        settings: of the run.
        preset: its `Preset`.
        start: the model that is fine-tuned; None for a new one, made for the data.
    """
    return split_data(load(settings, start), settings, preset)


def refuse_other_data(settings, images, folder):
    """A ValueError where a run would go on with other images than it began with.

    Other images, or the same under other names, would change the parts for training and testing.
    Looked at are classes, labels, and a pixel in 64, or the files' names where they are streamed.
    The first time a digest of them is put into the settings.
    """
    data = images.data
    digest = hashlib.sha256("\n".join(data.class_names).encode())
    for x, y in (data.train, images.validation, data.test):
        if y is not None:
            digest.update(np.asarray(y, "<i4").tobytes())
            digest.update(told_apart_by(x))
    if settings.setdefault("data_digest", digest.hexdigest()) != digest.hexdigest():
        raise ValueError(
            f"the images of {settings['data']} are not those that the run in {folder.path} began "
            "with; --overwrite begins anew"
        )


def told_apart_by(images):
    """Bytes that other images, or another order of them, do not have."""
    if isinstance(images, StreamedImages):
        return b"\n".join(os.fsencode(path.name) for path in images.paths)
    return np.ascontiguousarray(images[:, ::8, ::8]).tobytes()


def split_data(data, settings, preset):
    """The `RunData` of data that is loaded."""
    share = preset.validation_images / len(data.x_train)
    if not share:
        return RunData(limited(data, settings), data.test, "test")
    if share >= 1:
        raise ValueError(
            f"{preset.validation_images} validation images leave none of {len(data.x_train)} "
            "to train on"
        )
    # Of the images' numbers: the images themselves may be more than memory holds.
    numbers = np.arange(len(data.x_train))
    train, validation = train_validation_split(numbers, data.y_train, share, settings["seed"])
    validation = data.x_train.take(validation[0], axis=0), validation[1]
    data = data._replace(x_train=data.x_train.take(train[0], axis=0), y_train=train[1])
    return RunData(limited(data, settings), validation, "validation")


def load(settings, start=None):
    """The data as `load_data` gives it; what it warns of is said in a line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnreadableImagesWarning)
        data = load_data(
            settings["data"],
            data_dir=settings["data_dir"],
            image_size=stored_size(settings, start),
            seed=settings["seed"],
            skip_bad=settings["skip_bad"],
            stream=settings.get("stream"),
        )
    for warning in caught:
        if issubclass(warning.category, UnreadableImagesWarning):
            print(f"{settings['recipe']}: {warning.message}")
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    if isinstance(data.x_train, StreamedImages):
        print(f"{settings['recipe']}: reading the images from their files as they are needed")
    return data if start is None else in_channels(data, start.image_shape[2])


def stored_size(settings, start):
    """The size that images are brought to when they are loaded; None leaves them as they are.

    Photographs for fine-tuning are kept a seventh larger than the model takes them, 256 pixels
    for 224, so that a random crop has something to choose from.
    """
    if start is None:
        return settings["image_size"]
    source = settings["data"]
    if source in NAMES or not Path(os.path.expanduser(source)).is_dir():
        return None  # arrays: the step brings them to the model's size
    return tuple(side + -(-side // 7) for side in start.image_shape[:2])


def in_channels(data, channels):
    """The data in grey or in colours, as the model takes them."""
    return data._replace(
        **{
            key: x.with_channels(channels)
            if isinstance(x, StreamedImages)
            else with_channels(x, channels)
            for key, x in (("x_train", data.x_train), ("x_test", data.x_test))
        }
    )


def limited(data, settings):
    """The data with as many training images as the user's limit allows."""
    limit = settings["limit"]
    if limit is None or limit >= len(data.x_train):
        return data
    order = np.random.default_rng(settings["seed"]).permutation(len(data.x_train))
    chosen = np.sort(order[:limit])
    return data._replace(x_train=data.x_train.take(chosen, axis=0), y_train=data.y_train[chosen])
