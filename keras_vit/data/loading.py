"""`load_data`: where a source's name or path is told apart and sent to its reader."""

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
    """Loads a labelled image data set, into memory unless told otherwise.

    Args:
        source: One of:

            - `"digits"`: the 1,797 scanned 8×8 digits inside scikit-learn; nothing to download.
            - `"mnist"`, `"cifar10"`, `"cifar100"`: through tensorflow-datasets, with its splits.
              A folder that happens to have such a name is reached as `"./mnist"`.
            - The path of a `.npz` file with the arrays `x_train` and `y_train`, and, unless a part
              is to be split off for testing, `x_test` and `y_test`; `class_names` may be there
              too. Images are `(N, H, W)` or `(N, H, W, C)` with whole values 0–255, labels whole
              numbers from 0, `(N,)` or `(N, 1)`. Nothing in the file is unpickled.
            - The path of a folder with one folder of images (`.png`, `.jpg`, `.jpeg`, `.webp`,
              `.bmp`) for each class; or with `train` and `test` (or `val`) folders of such
              folders, which are then used as they are (`test` where there are both).
        data_dir: Where tensorflow-datasets looks for a prepared data set and puts what it
            downloads. `None`: `TFDS_DATA_DIR`, or `~/tensorflow_datasets`. Other sources do
            not use it.
        image_size: Height and width, or one int for both. Images are scaled until they cover it
            (bilinear, antialiased) and cropped around their centre. `None` leaves them as they
            are, and all images of a folder must then have one size.
        test_fraction: Share of each class that is split off for testing, above 0 and below 1,
            where the source has no test part of its own; at least one image of each class that
            has two. A class with one image has it in the training part.
        seed: Of that split, and of the order of a folder's training images.
        skip_bad: Whether images of a folder that can't be read are left out, with an
            `UnreadableImagesWarning` that names them, instead of raising.
        stream: Whether a folder's images are read when they are asked for: `x_train` and `x_test`
            are then `StreamedImages`, in the same order as the arrays that they stand for. `None`:
            where the arrays would take more than 2 GiB. Other sources are always in memory.

    Returns:
        An `ImageData`: `x_train, y_train, x_test, y_test, class_names`.

    Raises:
        DataUnavailableError: A `ValueError`: a named data set that can't be had here.
        ValueError: For a source, a file, an image or an argument that can't be used; the message
            names it and what was found.
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
            raise ValueError(f"{path}: can't be read: {error}") from None

    if image_size is not None:
        data = data._replace(
            x_train=resize_images(data.x_train, image_size),
            x_test=resize_images(data.x_test, image_size),
        )
    return data


def _check_is_npz(source, path):
    if not path.is_file():
        raise ValueError(_unknown(source, path))
    if path.suffix.lower() != ".npz":
        raise ValueError(
            f"A data file must be a `.npz` file, and images be in a folder of class folders. "
            f"Received: source={str(source)!r}"
        )


def _unknown(source, path):
    message = (
        f"There is no such data set, file or folder. Received: source={str(source)!r}. "
        f"The data sets are {', '.join(NAMES)}; else the path of a `.npz` file or a folder "
        f"of class folders is expected."
    )
    if path.parent.is_dir():
        found = sorted(p.name for p in path.parent.iterdir() if not p.name.startswith("."))
        shown = ", ".join(found[:10]) or "nothing"
        more = f" and {len(found) - 10} more" if len(found) > 10 else ""
        message += f" {str(path.parent)!r} holds {shown}{more}."
    return message
