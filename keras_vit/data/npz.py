"""Data sets in a `.npz` file, every array checked and none unpickled."""

import zipfile
from pathlib import Path

import numpy as np

from keras_vit.data.image_data import ImageData
from keras_vit.data.splitting import stratified_split


def load_npz(path: Path, test_fraction: float, seed: int) -> ImageData:
    """Loads `x_train`, `y_train` and, if there, `x_test`, `y_test` and `class_names`.

    Args:
        path: The file. `load_data` tells what its arrays may be.
        test_fraction: Share of each class for testing, where there is no `x_test` and `y_test`.
        seed: Of that split.

    Returns:
        An `ImageData`. Without `class_names`, the names are `"0"`, `"1"` … up to the largest
        training label.

    Raises:
        ValueError: Names the file, the array, and what was found.
    """
    arrays = _read_arrays(path)
    x_train = _images(path, "x_train", arrays)
    y_train = _labels(path, "y_train", arrays, len(x_train))
    class_names = _class_names(path, arrays, y_train)
    _check_labels_have_names(path, "y_train", y_train, class_names)

    if "x_test" in arrays:
        x_test = _images(path, "x_test", arrays)
        y_test = _labels(path, "y_test", arrays, len(x_test))
        if x_test.shape[1:] != x_train.shape[1:]:
            raise ValueError(
                f"{path}: images for training and testing must have one shape. "
                f"Found: {x_train.shape[1:]} in 'x_train', {x_test.shape[1:]} in 'x_test'"
            )
        _check_labels_have_names(path, "y_test", y_test, class_names)
        return ImageData(x_train, y_train, x_test, y_test, class_names)

    train, test = stratified_split(y_train, test_fraction, seed)
    if not len(test):
        raise ValueError(
            f"{path}: it has no 'x_test', and no class has two images to split one off. "
            f"Found: {len(y_train)} images of {len(np.unique(y_train))} classes"
        )
    return ImageData(x_train[train], y_train[train], x_train[test], y_train[test], class_names)


def _read_arrays(path):
    # np.load takes whatever is not a zip file for a pickle, and its error would say so.
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: not a `.npz` file, or a truncated one")
    try:
        archive = np.load(path, allow_pickle=False)
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise ValueError(f"{path}: not a `.npz` file, or a damaged one: {error}") from None
    arrays = {}
    with archive:
        keys = sorted(archive.files)
        wanted = {"x_train", "y_train"}
        if "x_test" in keys or "y_test" in keys:
            wanted |= {"x_test", "y_test"}
        missing = sorted(wanted - set(keys))
        if missing:
            raise ValueError(f"{path}: {missing} missing. Found: {keys}")
        for key in sorted(wanted | ({"class_names"} & set(keys))):
            try:
                arrays[key] = archive[key]
            # zipfile, zlib and numpy raise a dozen kinds of error on damaged bytes.
            except Exception as error:
                raise ValueError(f"{path}: can't read {key!r}: {error}") from None
            if not isinstance(arrays[key], np.ndarray):
                raise ValueError(f"{path}: {key!r} is not an array in numpy's format")
    return arrays


def _images(path, key, arrays):
    # Popped, so that an array that has to be converted doesn't stay in memory beside its copy.
    images = arrays.pop(key)
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(
            f"{path}: {key!r} must be images, (N, H, W) or (N, H, W, C). Found: shape "
            f"{images.shape}"
        )
    if images.shape[1] in (1, 3, 4) and images.shape[3] > 4:
        raise ValueError(
            f"{path}: {key!r} must have its channels last, (N, H, W, C). Found: shape "
            f"{images.shape}"
        )
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind not in "iuf":
        raise ValueError(f"{path}: {key!r} must be uint8, 0 to 255. Found: {images.dtype}")
    low, high = images.min(), images.max()
    whole = images.dtype.kind != "f" or np.array_equal(images, np.rint(images))
    # Floats up to 1 are scaled images, even if every one is 0 or 1.
    scaled = images.dtype.kind == "f" and high <= 1
    if not (low >= 0 and high <= 255 and whole) or scaled:
        raise ValueError(
            f"{path}: {key!r} must have whole values from 0 to 255 (images scaled to 0–1 have to "
            f"be multiplied by 255 and rounded). Found: {images.dtype} from {low} to {high}"
        )
    return images.astype("uint8")


def _labels(path, key, arrays, count):
    labels = arrays.pop(key)
    found = f"Found: {labels.dtype}, shape {labels.shape}"
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(f"{path}: {key!r} must be integer labels, (N,) or (N, 1). {found}")
    if len(labels) != count:
        raise ValueError(
            f"{path}: {key!r} must have a label for each image. "
            f"Found: {len(labels)} labels, {count} images"
        )
    low, high = labels.min(), labels.max()
    if low < 0 or high > np.iinfo("int32").max:
        raise ValueError(
            f"{path}: {key!r} must count from 0. Found: the label {low if low < 0 else high}"
        )
    return labels.astype("int32")


def _class_names(path, arrays, y_train):
    if "class_names" not in arrays:
        # Labels that are no count (years, ids) would otherwise make a head of millions.
        if y_train.max() >= len(y_train):
            raise ValueError(
                f"{path}: labels must be classes, counted from 0. Found: the label "
                f"{y_train.max()} among {len(y_train)} training images"
            )
        return tuple(str(label) for label in range(y_train.max() + 1))
    names = arrays["class_names"]
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise ValueError(
            f"{path}: 'class_names' must be an array of strings, (K,). "
            f"Found: {names.dtype}, shape {names.shape}"
        )
    if names.dtype.kind == "S":
        names = np.char.decode(names, "utf-8")
    names = tuple(names.tolist())
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{path}: 'class_names' must differ. Found: {repeated} more than once")
    return names


def _check_labels_have_names(path, key, labels, class_names):
    if labels.max() >= len(class_names):
        raise ValueError(
            f"{path}: {key!r} must be below {len(class_names)}, the number of classes. "
            f"Found: the label {labels.max()}"
        )
