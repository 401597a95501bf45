"""Loading of MNIST, CIFAR-10 and CIFAR-100 through tensorflow-datasets."""

import contextlib
import io
import logging
import os
import tempfile

import numpy as np

from keras_vit.data.image_data import ImageData

TFDS_NAMES = ("mnist", "cifar10", "cifar100")

# A server on a slow connection answers within this time, and a user can wait for it.
TIMEOUT_SECONDS = 10


class DataUnavailableError(ValueError):
    """The error for a data set that is neither on this machine nor can be downloaded."""


def load_tfds(name: str, data_dir: str | os.PathLike | None) -> ImageData:
    """Load a data set from the folder of tensorflow-datasets.

    The function first downloads and prepares the data set there, if it is not there yet.

    Args:
        name: str, one of `TFDS_NAMES`.
        data_dir: str or path, the folder of tensorflow-datasets. `None` means the environment
            variable `TFDS_DATA_DIR`, or `~/tensorflow_datasets` without it.

    Returns:
        An `ImageData` with the split and the class names of the data set.

    Raises:
        DataUnavailableError: If tensorflow-datasets or TensorFlow is missing, or the data set
            can be neither read nor downloaded.
    """
    # tensorflow-datasets reads this variable only when it is imported; it may change later.
    if data_dir is None:
        data_dir = os.environ.get("TFDS_DATA_DIR")
    if data_dir is not None:
        data_dir = os.path.expanduser(data_dir)
    # All errors below come from outside this package: imports, disk, network, damaged files.
    try:
        with _silenced():
            return _load(name, data_dir)
    except ImportError as error:
        reason = f"{_one_line(error)} (pip install tensorflow tensorflow-datasets)"
        raise _unavailable_error(name, data_dir, reason) from None
    except Exception as error:
        raise _unavailable_error(name, data_dir, _one_line(error)) from None


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
                f"{builder.data_path} holds {len(records['label'])} of {expected} {split} images"
            )
        arrays += [np.array(records["image"]), np.array(records["label"], "int32")]
    return ImageData(*arrays, tuple(builder.info.features["label"].names))


def _download(builder):
    _check_connection(next(iter(builder.url_infos)))
    dataset_dir = builder.data_path.parent
    data_dir = dataset_dir.parent
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        # The downloaded archives are deleted also after an error; the prepared records stay.
        with tempfile.TemporaryDirectory(dir=data_dir, prefix=".download-") as download_dir:
            builder.download_and_prepare(download_dir=download_dir)
    except BaseException:
        with contextlib.suppress(OSError):
            dataset_dir.rmdir()
        raise


def _check_connection(url):
    """Raise an OSError within seconds if there is no connection to a URL.

    tensorflow-datasets itself would repeat its attempts for minutes.
    """
    import requests

    try:
        with requests.get(url, stream=True, timeout=TIMEOUT_SECONDS) as response:
            response.raise_for_status()
    except requests.HTTPError as error:
        raise OSError(_one_line(error)) from None
    except requests.RequestException as error:
        raise OSError(f"there is no connection to {url} ({type(error).__name__})") from None


@contextlib.contextmanager
def _silenced():
    """Hide what tensorflow-datasets prints and logs, except for its progress bars."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def _unavailable_error(name, data_dir, reason):
    place = data_dir or os.path.join("~", "tensorflow_datasets")
    return DataUnavailableError(
        f"The data set {name!r} is not available: {reason}. "
        f"Put a copy that tensorflow-datasets prepared elsewhere at {os.path.join(place, name)}, "
        f"or give --data FILE.npz with the arrays x_train, y_train, x_test and y_test, or use the "
        f"data set 'digits', which needs no download."
    )


def _one_line(error):
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:300] + " …"
