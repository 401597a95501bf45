"""`load_data`, which finds out what a source is and calls the loader for it."""

import os
from pathlib import Path

from keras_vit.data.digits import load_digits
from keras_vit.data.image_data import ImageData
from keras_vit.data.image_folder import load_image_folder
from keras_vit.data.npz import load_npz
from keras_vit.data.resizing import as_height_width, resize_images
from keras_vit.data.splitting import check_fraction, check_seed
from keras_vit.data.tfds import TFDS_NAMES, load_tfds

NAMES = ("digits", *TFDS_NAMES)


def load_data(
    source: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    image_size: int | tuple[int, int] | None = None,
    test_fraction: float = 0.2,
    seed: int = 0,
    skip_bad: bool = False,
    stream: bool | None = False,
) -> ImageData:
    """Load a labelled image data set by its name or from a file or a folder.

    Args:
        source: str or path, one of:

            - `"digits"`: the 1,797 scanned 8×8 digits of scikit-learn, without a download.
            - `"mnist"`, `"cifar10"`, `"cifar100"`: the data set of tensorflow-datasets with its
              own split. Write `"./mnist"` for a folder that has such a name.
            - The path of a `.npz` file with the arrays `x_train` and `y_train`. It may also hold
              `x_test` and `y_test`, and `class_names`. Images are `(N, H, W)` or `(N, H, W, C)`
              with whole values from 0 to 255; labels are `(N,)` or `(N, 1)` whole numbers from 0.
              The function unpickles nothing.
            - The path of a folder that holds one folder of images (`.png`, `.jpg`, `.jpeg`,
              `.webp`, `.bmp`) for each class; or that holds folders `train` and `test` (or `val`)
              of such class folders, which then are the training part and the test part. If both
              `test` and `val` exist, `test` is the test part.
        data_dir: str or path, the folder where tensorflow-datasets looks for a prepared data set
            and puts its downloads; other sources ignore it. `None` means the environment variable
            `TFDS_DATA_DIR`, or `~/tensorflow_datasets` without it. Default: None.
        image_size: int or tuple (height, width) in pixels; an int means both. Images are scaled
            (bilinear, antialiased) until they cover this size, and cropped around their centre.
            `None` keeps their size, which must then be the same for all images. Default: None.
        test_fraction: float in (0, 1), share of each class for the test part, if the source has
            no test part. The test part gets at least one image of each class with two or more
            images, and no image of a class with one. Default: 0.2.
        seed: int from 0 to 2³² - 1, seed of this split and of the order of a folder's training
            images. Default: 0.
        skip_bad: bool, whether to leave out a folder's unreadable images, with an
            `UnreadableImagesWarning` that names them, instead of raising. Default: False.
        stream: bool, whether `x_train` and `x_test` of a folder are `StreamedImages`, which read
            each file when it is needed, in the same order as the arrays otherwise. `None` streams
            a folder whose arrays would take more than 2 GiB. Other sources are always loaded into
            memory. Default: False.

    Returns:
        An `ImageData` with the fields `x_train`, `y_train`, `x_test`, `y_test` and `class_names`:
        uint8 images `(N, H, W, C)` with values 0 to 255, and int32 labels `(N,)`.

    Raises:
        DataUnavailableError: If a data set of tensorflow-datasets is neither on this machine nor
            can be downloaded. It is a `ValueError`.
        ImportError: If `source` is `"digits"` and scikit-learn is not installed.
        ValueError: If the source, a file, an image or an argument can't be used; the message
            names it.
    """
    if image_size is not None:
        image_size = as_height_width(image_size)
    check_fraction("test_fraction", test_fraction)
    check_seed(seed)

    if source == "digits":
        data = load_digits(test_fraction, seed)
    elif isinstance(source, str) and source in TFDS_NAMES:
        data = load_tfds(source, data_dir)
    else:
        path = Path(os.path.expanduser(source))
        try:
            if path.is_dir():
                return load_image_folder(path, image_size, test_fraction, seed, skip_bad, stream)
            _check_is_npz(source, path)
            data = load_npz(path, test_fraction, seed)
        except OSError as error:
            raise ValueError(f"{path}: the system can't read it: {error}") from None

    if image_size is not None:
        data = data._replace(
            x_train=resize_images(data.x_train, image_size),
            x_test=resize_images(data.x_test, image_size),
        )
    return data


def _check_is_npz(source, path):
    if not path.is_file():
        raise ValueError(_unknown_source_message(source, path))
    if path.suffix.lower() != ".npz":
        raise ValueError(
            f"A data file must be a `.npz` file; images must be in a folder of class folders. "
            f"Received: source={str(source)!r}"
        )


def _unknown_source_message(source, path):
    message = (
        f"`source` must be the name of a data set ({', '.join(NAMES)}), or the path of a `.npz` "
        f"file or of a folder of class folders. "
    )
    if path.parent.is_dir():
        found = sorted(p.name for p in path.parent.iterdir() if not p.name.startswith("."))
        shown = ", ".join(found[:10]) or "nothing"
        more = f" and {len(found) - 10} more" if len(found) > 10 else ""
        message += f"The folder {str(path.parent)!r} holds {shown}{more}. "
    return message + f"Received: source={str(source)!r}, which does not exist"
