"""Reading of many image files in parallel."""

import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from keras_vit.data.image_file import image_file_shape, read_image, reading_images


class UnreadableImagesWarning(UserWarning):
    """The warning that some images of a folder can't be read.

    `load_data` gives this warning once for a folder that it reads with `skip_bad=True`.

    Args:
        paths: sequence of Path, the image files that were left out.

    Attributes:
        paths: tuple of Path, the same files.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__(paths)
        self.paths = tuple(paths)

    def __str__(self) -> str:
        shown = ", ".join(str(path) for path in self.paths[:10])
        more = f" and {len(self.paths) - 10} more" if len(self.paths) > 10 else ""
        images = "image" if len(self.paths) == 1 else "images"
        return f"load_data left out {len(self.paths)} unreadable {images}: {shown}{more}"


def read_images(
    paths: list[Path], image_size: tuple[int, int] | None, skip_bad: bool, shapes_only: bool = False
) -> tuple[list[np.ndarray | None], list[Path]]:
    """Read image files that have one size, or scale and crop them to one size.

    Args:
        paths: list of Path, the image files.
        image_size: tuple (height, width) in pixels, the size to scale and crop the images to.
            `None` keeps their size, which must then be the same for all.
        skip_bad: bool, whether to leave out unreadable images instead of raising.
        shapes_only: bool, whether to return arrays of the right shape that hold only zeros and
            take no memory. Default: False.

    Returns:
        A pair. The first entry is a list as long as `paths` of uint8 arrays of shape `(H, W)` or
        `(H, W, 3)`, with `None` for each image that was left out. The second entry is the list of
        the paths that were left out.

    Raises:
        ValueError: If an image can't be read and `skip_bad` is false, or if two images differ in
            size and `image_size` is `None`.
    """
    images, bad, first = [], [], None
    read = partial(_try_to_read, _blank_image if shapes_only else read_image, image_size)
    with reading_images(), contextlib.closing(_map_in_threads(read, paths)) as results:
        for path, image in zip(paths, _with_progress_bar(results, len(paths)), strict=True):
            if isinstance(image, Exception):
                if not skip_bad:
                    raise ValueError(f"{path}: Pillow can't read this image: {image}")
                bad.append(path)
                image = None
            elif first is None:
                first = path, image.shape[:2]
            elif image.shape[:2] != first[1]:
                raise ValueError(
                    f"The images differ in size, so `image_size` must be given. Received: "
                    f"{_height_by_width(first[1])} in {first[0]}, "
                    f"{_height_by_width(image.shape)} in {path}"
                )
            images.append(image)
    return images, bad


def _blank_image(path, image_size):
    return np.broadcast_to(np.uint8(0), image_file_shape(path, image_size))


def _try_to_read(read, image_size, path):
    try:
        return read(path, image_size)
    # On damaged bytes Pillow's decoders raise OSError, SyntaxError, struct.error and others.
    except Exception as error:
        return error


def _map_in_threads(function, items):
    """Yield `function(item)` for each item, computed in threads.

    Threads help because Pillow releases Python's global lock while it decodes.
    """
    pool = ThreadPoolExecutor()
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(cancel_futures=True)


def _with_progress_bar(items, count):
    # A thousand images take seconds. Fewer images are read before a bar would help.
    if count < 1000:
        yield from items
        return

    import keras

    bar = keras.utils.Progbar(count, unit_name="image")
    for item in items:
        yield item
        bar.add(1)


def _height_by_width(shape):
    return f"{shape[0]}×{shape[1]}"
