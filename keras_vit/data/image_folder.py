"""Loading of a folder that holds one folder of images for each class."""

import os
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from keras_vit.data.image_data import ImageData
from keras_vit.data.image_file import SUFFIXES, image_file_shape, is_image_file
from keras_vit.data.image_files import UnreadableImagesWarning, read_images
from keras_vit.data.image_stream import StreamedImages
from keras_vit.data.splitting import stratified_split

TRAIN_NAMES = ("train", "training")
# The first of these folders that is there holds the test part.
TEST_NAMES = (
    *("test", "testing", "holdout"),
    *("val", "valid", "validation", "eval", "evaluation", "dev"),
)
MAX_BYTES_IN_MEMORY = 2 * 2**30  # of pixels; a larger folder is streamed if `stream` is None


# Suffixes of photographs that are not read, and whose absence would be noticed late.
OTHER_SUFFIXES = (
    *(".avif", ".heic", ".heif", ".jp2", ".jxl", ".tga", ".ppm", ".pgm", ".pnm", ".ico"),
    *(".psd", ".svg", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".npy"),
)


class PassedOverWarning(UserWarning):
    """The warning that a folder holds images of kinds that `load_data` does not read."""


def load_image_folder(
    root: Path,
    image_size: tuple[int, int] | None,
    test_fraction: float,
    seed: int,
    skip_bad: bool,
    stream: bool | None = False,
) -> ImageData:
    """Load the images of `root/CLASS/**/IMAGE`, or of `root/train/CLASS` and `root/test/CLASS`.

    The classes are the sorted names of the class folders. The parts may have any of the names in
    `TRAIN_NAMES` and `TEST_NAMES`, in capitals too. If `root` holds one folder alone, and that one
    holds others, the function goes into it. The function ignores hidden files and folders, and
    files whose suffix is not that of an image; it warns of files with the suffix of an image that
    it does not read. The images have one channel if all files are grey, and otherwise three.

    Args:
        root: Path, the folder; `load_data` describes what it may hold.
        image_size: tuple (height, width) in pixels, or `None` if all images have one size.
        test_fraction: float in (0, 1), share of each class for the test part, where `root` has no
            folder for it.
        seed: int from 0 to 2³² - 1, seed of the split and of the order of the training images.
        skip_bad: bool, whether to leave out unreadable images with an `UnreadableImagesWarning`.
        stream: bool, whether to return `StreamedImages`, which read each file when it is needed;
            also then the function looks through every file once. `None` streams a folder whose
            pixels would take more than `MAX_BYTES_IN_MEMORY`. Default: False.

    Returns:
        An `ImageData`, which does not depend on the order in which the file system lists files.

    Raises:
        ValueError: If a folder or an image can't be used; the message names it.
    """
    train_root, test_root = _train_and_test_folders(root)
    class_names = _class_names(train_root)
    files = _list_files(train_root, class_names)
    num_train = len(files)
    if test_root is not None:
        _check_same_classes(train_root, class_names, test_root, _class_names(test_root))
        files += _list_files(test_root, class_names)

    paths = [path for path, _ in files]
    if stream is None:
        stream = _pixel_bytes(paths, image_size) > MAX_BYTES_IN_MEMORY
    images, bad = read_images(paths, image_size, skip_bad, shapes_only=stream)
    kept = np.array([image is not None for image in images])
    labels = np.array([label for _, label in files], "int32")
    _check_no_class_is_empty(train_root, class_names, labels[:num_train][kept[:num_train]])
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
            f"{root}: no image is left for the test part, which needs a class with two images. "
            f"Received: {len(train)} images in {len(class_names)} classes"
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


def _train_and_test_folders(root):
    """Return the folders that hold the class folders: for training, and for testing or None."""
    while _holds_one_folder_alone(root):
        (root,) = (root / name for name in _subfolder_names(root))
    names = _subfolder_names(root)
    folders = {name.lower(): root / name for name in reversed(names)}
    train = next((folders[name] for name in TRAIN_NAMES if name in folders), None)
    if train is not None and _subfolder_names(train):
        for name in TEST_NAMES:
            if name in folders:
                return train, folders[name]
    _refuse_unknown_parts(root, names)
    return root, None


def _holds_one_folder_alone(root):
    """Return whether a folder holds no image and one folder, in which there are others."""
    names = _subfolder_names(root)
    return (
        len(names) == 1
        and bool(_subfolder_names(root / names[0]))
        and not any(map(is_image_file, root.iterdir()))
    )


def _refuse_unknown_parts(root, names):
    """Raise a ValueError if the folders look like parts of a data set and not like classes."""
    inside = [_subfolder_names(root / name) for name in names]
    alike = len(names) > 1 and len(inside[0]) > 1 and all(other == inside[0] for other in inside)
    images = (path for name in names for path in (root / name).iterdir() if is_image_file(path))
    if alike and not any(images):
        raise ValueError(
            f"{root}: the folders {', '.join(names[:10])} hold folders of the same names "
            f"({', '.join(inside[0][:10])}) and no images, so they look like parts of a data set "
            "and not like classes. Name the part to train on 'train' and the part to test on "
            "'test'; or, if they are classes, put their images directly into them"
        )


def _subfolder_names(root):
    if not root.is_dir():
        return []
    return sorted(p.name for p in root.iterdir() if p.is_dir() and not _is_hidden(p.name))


def _is_hidden(name):
    # macOS adds a folder __MACOSX to zip files.
    return name.startswith(".") or name == "__MACOSX"


def _class_names(root):
    names = tuple(_subfolder_names(root))
    if len(names) < 2:
        found = ", ".join(sorted(p.name for p in root.iterdir())[:10]) or "nothing"
        raise ValueError(
            f"{root}: the folder must hold a folder of images for each of two classes or more. "
            f"Received: a folder that holds {found}"
        )
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise ValueError(
                f"{root}: the name of a class folder must be UTF-8 text. "
                f"Received: {os.fsencode(name)!r}"
            ) from None
    return names


def _list_files(root, class_names):
    """Return a pair (path, label) for each image file, sorted by class and path."""
    files, passed_over = [], Counter()
    for label, name in enumerate(class_names):
        paths = []
        for folder, subfolders, names in os.walk(root / name):
            subfolders[:] = [n for n in subfolders if not _is_hidden(n)]
            paths += [Path(folder, n) for n in names if not _is_hidden(n)]
        images = sorted(filter(is_image_file, paths))
        passed_over.update(
            path.suffix.lower() for path in paths if path.suffix.lower() in OTHER_SUFFIXES
        )
        if not images:
            names = sorted(str(path.relative_to(root / name)) for path in paths)
            raise ValueError(
                f"{root / name}: the class folder must hold an image file "
                f"({', '.join(SUFFIXES)}). Received: a folder that holds "
                f"{', '.join(names[:10]) or 'nothing'}"
            )
        files += [(path, label) for path in images]
    if passed_over:
        kinds = ", ".join(f"{count} {suffix}" for suffix, count in sorted(passed_over.items()))
        warnings.warn(
            f"{root}: load_data passed over files of kinds that it does not read: {kinds}. "
            f"It reads {', '.join(SUFFIXES)}",
            PassedOverWarning,
            stacklevel=4,
        )
    return files


def _check_same_classes(train_root, train_names, test_root, test_names):
    differing = sorted(set(train_names) ^ set(test_names))
    if differing:
        raise ValueError(
            f"{train_root} and {test_root} must hold folders of the same classes. "
            f"Received: {', '.join(differing[:10])} in only one of them"
        )


def _check_no_class_is_empty(root, class_names, labels):
    for label, name in enumerate(class_names):
        if label not in labels:
            raise ValueError(
                f"{root / name}: the class folder must hold a readable image. "
                f"Received: a folder whose images can't be read"
            )


def _pixel_bytes(paths, image_size):
    """Return how many bytes all images would take in RGB, if all have the size of the first."""
    if image_size is None:
        try:
            image_size = image_file_shape(paths[0])[:2]
        # Pillow raises many types of errors. `read_images` reports the unreadable file later.
        except Exception:
            return 0
    return 3 * image_size[0] * image_size[1] * len(paths)


def _stack(images, indices, channels):
    height, width = images[indices[0]].shape[:2]
    stacked = np.empty((len(indices), height, width, channels), "uint8")
    for row, index in enumerate(indices):
        image = images[index]
        # Dropping each image after its copy keeps the data set from being in memory twice.
        images[index] = None
        stacked[row] = image[..., np.newaxis] if image.ndim == 2 else image
    return stacked
