"""The images of a run: loaded, limited, split, brought to the model's size."""

import warnings
from typing import NamedTuple

import numpy as np

from keras_vit.data import ImageData, UnreadableImagesWarning, load_data, train_validation_split


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


def run_data(settings, preset):
    """Loads the data of a run and cuts off what validates it, a sample of every class."""
    return split_data(load(settings), settings, preset)


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
    train, validation = train_validation_split(*data.train, share, settings["seed"])
    data = data._replace(x_train=train[0], y_train=train[1])
    return RunData(limited(data, settings), validation, "validation")


def load(settings):
    """The data as `load_data` gives it; what it warns of is said in a line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnreadableImagesWarning)
        data = load_data(
            settings["data"],
            data_dir=settings["data_dir"],
            image_size=settings["image_size"],
            seed=settings["seed"],
            skip_bad=settings["skip_bad"],
        )
    for warning in caught:
        if issubclass(warning.category, UnreadableImagesWarning):
            print(f"{settings['recipe']}: {warning.message}")
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    return data


def limited(data, settings):
    """The data with as many training images as the user's limit allows."""
    limit = settings["limit"]
    if limit is None or limit >= len(data.x_train):
        return data
    order = np.random.default_rng(settings["seed"]).permutation(len(data.x_train))
    chosen = np.sort(order[:limit])
    return data._replace(x_train=data.x_train[chosen], y_train=data.y_train[chosen])
