"""MNIST and CIFAR through tensorflow-datasets, the one file that imports it."""

import contextlib
import io
import logging
import os
import tempfile

import numpy as np

from keras_vit.data.image_data import ImageData

TFDS_NAMES = ("mnist", "cifar10", "cifar100")

# Long enough for a slow line to answer, short enough to wait for.
TIMEOUT_SECONDS = 10


class DataUnavailableError(ValueError):
    """A named data set that is neither on this machine nor can be downloaded."""


def load_tfds(name: str, data_dir: str | os.PathLike | None) -> ImageData:
    """Loads a data set that is prepared in `data_dir`, after preparing it there if it is not.

    Args:
        name: One of `TFDS_NAMES`.
        data_dir: tensorflow-datasets' folder; `None` for its default, which is `TFDS_DATA_DIR` or
            `~/tensorflow_datasets`.

    Returns:
        An `ImageData` with the data set's own training and test split and class names.

    Raises:
        DataUnavailableError: If tensorflow-datasets or TensorFlow is missing, or the data set
            can be neither read nor downloaded.
    """
    # tensorflow-datasets reads this variable too, but only once, when it is imported.
    if data_dir is None:
        data_dir = os.environ.get("TFDS_DATA_DIR")
    if data_dir is not None:
        data_dir = os.path.expanduser(data_dir)
    # Everything that may fail below is somebody else's: imports, disk, network, damaged files.
    try:
        with _quiet():
            return _load(name, data_dir)
    except ImportError as error:
        reason = f"{_one_line(error)} (it takes what keras-vit[tensorflow] installs)"
        raise _unavailable(name, data_dir, reason) from None
    except Exception as error:
        raise _unavailable(name, data_dir, _one_line(error)) from None


def _load(name, data_dir):
    import keras
    import tensorflow_datasets as tfds

    if keras.config.backend() != "tensorflow":
        from keras_vit.backend.hidden_gpus_tensorflow import hide_gpus  # imports TensorFlow

        hide_gpus()
    builder = tfds.builder(name, data_dir=data_dir)
    if not builder.is_prepared():
        _download(builder)
    arrays = []
    for split in ("train", "test"):
        records = tfds.as_numpy(builder.as_dataset(split=split, batch_size=-1))
        expected = builder.info.splits[split].num_examples
        if len(records["label"]) != expected:
            raise OSError(
                f"{builder.data_path} has {len(records['label'])} of {expected} {split} images"
            )
        arrays += [np.array(records["image"]), np.array(records["label"], "int32")]
    return ImageData(*arrays, tuple(builder.info.features["label"].names))


def _download(builder):
    _check_connection(next(iter(builder.url_infos)))
    dataset_dir = builder.data_path.parent
    data_dir = dataset_dir.parent
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        # The archives go where they vanish, whatever happens; what is prepared is kept.
        with tempfile.TemporaryDirectory(dir=data_dir, prefix=".download-") as download_dir:
            builder.download_and_prepare(download_dir=download_dir)
    except BaseException:
        with contextlib.suppress(OSError):
            dataset_dir.rmdir()
        raise


def _check_connection(url):
    """Fails within seconds where tensorflow-datasets would try again and again for minutes."""
    import requests

    try:
        with requests.get(url, stream=True, timeout=TIMEOUT_SECONDS) as response:
            response.raise_for_status()
    except requests.HTTPError as error:
        raise OSError(_one_line(error)) from None
    except requests.RequestException as error:
        raise OSError(f"no connection to {url} ({type(error).__name__})") from None


@contextlib.contextmanager
def _quiet():
    """Silences what is printed and logged around a download, but not its progress bars."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def _unavailable(name, data_dir, reason):
    place = data_dir or os.path.join("~", "tensorflow_datasets")
    return DataUnavailableError(
        f"The data set {name!r} is not available: {reason}. "
        f"Put a copy that tensorflow-datasets prepared elsewhere at {os.path.join(place, name)}, "
        f"or give --data FILE.npz with the arrays x_train, y_train, x_test and y_test; "
        f"recipes/digits.py needs no download."
    )


def _one_line(error):
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:300] + " …"
