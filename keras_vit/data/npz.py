"""Loading of a data set from a `.npz` file, which checks every array and unpickles none."""

import zipfile
from pathlib import Path

import numpy as np

from keras_vit.data.image_data import ImageData
from keras_vit.data.splitting import stratified_split


def load_npz(path: Path, test_fraction: float, seed: int) -> ImageData:
    """Load a data set from the arrays of a `.npz` file.

    The file must hold `x_train` and `y_train`. It may also hold `x_test` and `y_test`, and
    `class_names`. If it holds no `class_names`, the names are "0", "1" and so on, up to the
    largest training label.

    Args:
        path: Path, the file; `load_data` describes what its arrays may be.
        test_fraction: float in (0, 1), share of each class for the test part, if the file holds
            no `x_test` and `y_test`.
        seed: int from 0 to 2³² - 1, seed of this split.

    Returns:
        An `ImageData`.

    Raises:
        ValueError: If the file is damaged or an array can't be used; the message names both.
    """
    arrays = _read_arrays(path)
    x_train = _checked_images(path, "x_train", arrays)
    y_train = _checked_labels(path, "y_train", arrays, len(x_train))
    class_names = _checked_class_names(path, arrays, y_train)
    _check_labels_have_names(path, "y_train", y_train, class_names)

    if "x_test" in arrays:
        x_test = _checked_images(path, "x_test", arrays)
        y_test = _checked_labels(path, "y_test", arrays, len(x_test))
        if x_test.shape[1:] != x_train.shape[1:]:
            raise ValueError(
                f"{path}: the images of 'x_train' and 'x_test' must have one shape. "
                f"Received: {x_train.shape[1:]} in 'x_train', {x_test.shape[1:]} in 'x_test'"
            )
        _check_labels_have_names(path, "y_test", y_test, class_names)
        return ImageData(x_train, y_train, x_test, y_test, class_names)

    train, test = stratified_split(y_train, test_fraction, seed)
    if not len(test):
        raise ValueError(
            f"{path}: the file must hold 'x_test' and 'y_test', or a class with two images, one "
            f"of which can go to the test part. "
            f"Received: {len(y_train)} images of {len(np.unique(y_train))} classes"
        )
    return ImageData(x_train[train], y_train[train], x_train[test], y_train[test], class_names)


def _read_arrays(path):
    # np.load treats a file that is not a zip file as a pickle, so its error would mislead.
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: this file is not a `.npz` file, or it is truncated")
    try:
        archive = np.load(path, allow_pickle=False)
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise ValueError(
            f"{path}: this file is not a `.npz` file, or it is damaged: {error}"
        ) from None
    arrays = {}
    with archive:
        keys = sorted(archive.files)
        wanted = {"x_train", "y_train"}
        if "x_test" in keys or "y_test" in keys:
            wanted |= {"x_test", "y_test"}
        missing = sorted(wanted - set(keys))
        if missing:
            raise ValueError(
                f"{path}: the file must hold the arrays {sorted(wanted)}, and {missing} are "
                f"missing. Received: {keys}"
            )
        for key in sorted(wanted | ({"class_names"} & set(keys))):
            try:
                arrays[key] = archive[key]
            # zipfile, zlib and numpy raise a dozen types of errors on damaged bytes.
            except Exception as error:
                raise ValueError(f"{path}: numpy can't read {key!r}: {error}") from None
            if not isinstance(arrays[key], np.ndarray):
                raise ValueError(
                    f"{path}: {key!r} must be an array in numpy's format. "
                    f"Received: {type(arrays[key]).__name__}"
                )
    return arrays


def _checked_images(path, key, arrays):
    # `pop` drops the array from `arrays`, so that a converted array and its original are not both
    # kept in memory.
    images = arrays.pop(key)
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(
            f"{path}: {key!r} must hold images of shape (N, H, W) or (N, H, W, C). "
            f"Received: shape {images.shape}"
        )
    if images.shape[1] in (1, 3, 4) and images.shape[3] > 4:
        raise ValueError(
            f"{path}: {key!r} must have its channels last, (N, H, W, C). "
            f"Received: shape {images.shape}"
        )
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind not in "iuf":
        raise ValueError(
            f"{path}: {key!r} must be uint8 with values 0 to 255. Received: {images.dtype}"
        )
    low, high = images.min(), images.max()
    whole = images.dtype.kind != "f" or np.array_equal(images, np.rint(images))
    # Floats up to 1 are images scaled to 0-1, even if every value is a whole number.
    scaled = images.dtype.kind == "f" and high <= 1
    if not (low >= 0 and high <= 255 and whole) or scaled:
        raise ValueError(
            f"{path}: {key!r} must hold whole values from 0 to 255 (images scaled to 0-1 must be "
            f"multiplied by 255 and rounded). Received: {images.dtype} from {low} to {high}"
        )
    return images.astype("uint8")


def _checked_labels(path, key, arrays, count):
    labels = arrays.pop(key)
    received = f"Received: {labels.dtype}, shape {labels.shape}"
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{path}: {key!r} must hold integer labels of shape (N,) or (N, 1). {received}"
        )
    if len(labels) != count:
        raise ValueError(
            f"{path}: {key!r} must hold one label for each image. "
            f"Received: {len(labels)} labels, {count} images"
        )
    low, high = labels.min(), labels.max()
    if low < 0 or high > np.iinfo("int32").max:
        raise ValueError(
            f"{path}: the labels of {key!r} must count the classes from 0. "
            f"Received: the label {low if low < 0 else high}"
        )
    return labels.astype("int32")


def _checked_class_names(path, arrays, y_train):
    if "class_names" not in arrays:
        # Labels that do not count classes (years, ids) would otherwise make a huge head.
        if y_train.max() >= len(y_train):
            raise ValueError(
                f"{path}: the labels of 'y_train' must count the classes from 0. "
                f"Received: the label {y_train.max()} among {len(y_train)} training images"
            )
        return tuple(str(label) for label in range(y_train.max() + 1))
    names = arrays["class_names"]
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise ValueError(
            f"{path}: 'class_names' must be an array of strings of shape (K,). "
            f"Received: {names.dtype}, shape {names.shape}"
        )
    if names.dtype.kind == "S":
        names = np.char.decode(names, "utf-8")
    names = tuple(names.tolist())
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(
            f"{path}: 'class_names' must differ from each other. "
            f"Received: {repeated} more than once"
        )
    return names


def _check_labels_have_names(path, key, labels, class_names):
    if labels.max() >= len(class_names):
        raise ValueError(
            f"{path}: the labels of {key!r} must be below {len(class_names)}, the number of "
            f"classes. Received: the label {labels.max()}"
        )
