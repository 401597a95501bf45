"""Folders of class folders of images."""

import os
import warnings
from pathlib import Path

import numpy as np

from keras_vit.data.image_data import ImageData
from keras_vit.data.image_file import SUFFIXES, image_file_shape
from keras_vit.data.image_files import UnreadableImagesWarning, read_images
from keras_vit.data.image_stream import StreamedImages
from keras_vit.data.splitting import stratified_split

STREAM_FROM = 2 * 2**30  # bytes of pixels


def load_image_folder(
    root: Path,
    image_size: tuple[int, int] | None,
    test_fraction: float,
    seed: int,
    skip_bad: bool,
    stream: bool | None = False,
) -> ImageData:
    """Loads `root/CLASS/**/IMAGE`, or `root/train/CLASS/…` and `root/test/CLASS/…`.

    Class names are the folders', sorted. What is hidden or has another suffix than an image is
    passed over. Images are grey, `C = 1`, if all files are, else RGB.

    Args:
        root: The folder. `load_data` tells what it may hold.
        image_size: (height, width), or `None` where all images have one size.
        test_fraction: Share of each class for testing, where there is no `test` nor `val` folder.
        seed: Of that split, and of the order of the training images.
        skip_bad: Whether unreadable images are left out with an `UnreadableImagesWarning`.
        stream: Whether images are read when they are asked for, see `StreamedImages`; every file
            is looked through once all the same. `None`: if more than `STREAM_FROM` bytes of
            pixels would have to be kept.

    Returns:
        An `ImageData`, the same whatever order the file system lists.

    Raises:
        ValueError: Names the folder or file, and what was found.
    """
    train_root, test_root = _parts(root)
    class_names = _class_names(train_root)
    files = _list_files(train_root, class_names)
    num_train = len(files)
    if test_root is not None:
        _check_same_classes(train_root, class_names, test_root, _class_names(test_root))
        files += _list_files(test_root, class_names)

    paths = [path for path, _ in files]
    if stream is None:
        stream = _pixel_bytes(paths, image_size) > STREAM_FROM
    images, bad = read_images(paths, image_size, skip_bad, shapes_only=stream)
    kept = np.array([image is not None for image in images])
    labels = np.array([label for _, label in files], "int32")
    _check_classes_are_left(train_root, class_names, labels[:num_train][kept[:num_train]])
    if bad:
        warnings.warn(UnreadableImagesWarning(bad), stacklevel=3)

    indices = np.flatnonzero(kept)
    if test_root is None:
        train, test = (
            indices[part] for part in stratified_split(labels[kept], test_fraction, seed)
        )
    else:
        train, test = indices[indices < num_train], indices[indices >= num_train]
        train = np.random.RandomState(seed).permutation(train)
    if not len(test):
        raise ValueError(
            f"{root}: no image is left for testing. Found: {len(train)} images in "
            f"{len(class_names)} classes"
        )
    channels = 3 if any(images[i].ndim == 3 for i in indices) else 1
    if stream:
        size = images[indices[0]].shape[:2]
        x_train, x_test = (
            StreamedImages([paths[i] for i in part], size, channels) for part in (train, test)
        )
    else:
        x_train, x_test = _stack(images, train, channels), _stack(images, test, channels)
    return ImageData(x_train, labels[train], x_test, labels[test], class_names)


def _parts(root):
    """The folders of class folders for training and, if there is one, for testing."""
    for test in ("test", "val"):
        if (root / test).is_dir() and _folders(root / "train"):
            return root / "train", root / test
    return root, None


def _folders(root):
    if not root.is_dir():
        return []
    return sorted(p.name for p in root.iterdir() if p.is_dir() and not _is_hidden(p.name))


def _is_hidden(name):
    # __MACOSX is what macOS adds to zip files.
    return name.startswith(".") or name == "__MACOSX"


def _class_names(root):
    names = tuple(_folders(root))
    if len(names) < 2:
        found = ", ".join(sorted(p.name for p in root.iterdir())[:10]) or "nothing"
        raise ValueError(
            f"{root}: must hold a folder of images for each class, two at least. Found: {found}"
        )
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise ValueError(
                f"{root}: the folder {os.fsencode(name)!r} names a class, but not in UTF-8: rename "
                "it"
            ) from None
    return names


def _list_files(root, class_names):
    """(path, label) of all images, sorted by class and path."""
    files = []
    for label, name in enumerate(class_names):
        paths = []
        for folder, subfolders, names in os.walk(root / name):
            subfolders[:] = [n for n in subfolders if not _is_hidden(n)]
            paths += [Path(folder, n) for n in names if not _is_hidden(n)]
        images = sorted(path for path in paths if path.suffix.lower() in SUFFIXES)
        if not images:
            names = sorted(str(path.relative_to(root / name)) for path in paths)
            raise ValueError(
                f"{root / name}: an empty class folder: no {', '.join(SUFFIXES)} file in it. "
                f"Found: {', '.join(names[:10]) or 'nothing'}"
            )
        files += [(path, label) for path in images]
    return files


def _check_same_classes(train_root, train_names, test_root, test_names):
    differing = sorted(set(train_names) ^ set(test_names))
    if differing:
        raise ValueError(
            f"{train_root} and {test_root} must hold folders of the same classes. "
            f"Found in one only: {', '.join(differing[:10])}"
        )


def _check_classes_are_left(root, class_names, labels):
    for label, name in enumerate(class_names):
        if label not in labels:
            raise ValueError(f"{root / name}: no image in this class folder can be read")


def _pixel_bytes(paths, image_size):
    """What the images would take in colours; all have the first one's size, or it is given."""
    if image_size is None:
        try:
            image_size = image_file_shape(paths[0])[:2]
        except Exception:  # of many kinds; who reads the files says which
            return 0
    return 3 * image_size[0] * image_size[1] * len(paths)


def _stack(images, indices, channels):
    height, width = images[indices[0]].shape[:2]
    stacked = np.empty((len(indices), height, width, channels), "uint8")
    for row, index in enumerate(indices):
        image = images[index]
        # Let go of as it is copied, so that the data are not in memory twice.
        images[index] = None
        stacked[row] = image[..., np.newaxis] if image.ndim == 2 else image
    return stacked
