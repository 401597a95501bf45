"""Many image files in, arrays of one size out."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from keras_vit.data.image_file import image_file_shape, read_image, reading_images


class UnreadableImagesWarning(UserWarning):
    """Given once a folder that is read with `skip_bad=True` and has unreadable images.

    Args:
        paths: Sequence of the paths that were left out, kept as `.paths`.
    """

    def __init__(self, paths):
        super().__init__(paths)
        self.paths = tuple(paths)

    def __str__(self):
        shown = ", ".join(str(path) for path in self.paths[:10])
        more = f" and {len(self.paths) - 10} more" if len(self.paths) > 10 else ""
        images = "image" if len(self.paths) == 1 else "images"
        return f"left out {len(self.paths)} unreadable {images}: {shown}{more}"


def read_images(
    paths: list[Path], image_size: tuple[int, int] | None, skip_bad: bool, shapes_only: bool = False
) -> tuple[list[np.ndarray | None], list[Path]]:
    """Reads images of one size.

    Args:
        paths: The files.
        image_size: (height, width) to scale and crop to, or `None` where they have one size.
        skip_bad: Whether unreadable images are left out instead of raising.
        shapes_only: Whether arrays of the right shape, but of zeros that take no memory, are
            enough.

    Returns:
        A list as long as `paths`, of uint8 arrays, (H, W) or (H, W, 3), with `None` for what was
        left out; and the paths of these.

    Raises:
        ValueError: Names an unreadable file, or two of different sizes.
    """
    images, bad, first = [], [], None
    read = partial(_try_to_read, _without_pixels if shapes_only else read_image, image_size)
    with reading_images(), contextlib.closing(_in_threads(read, paths)) as results:
        for path, image in zip(paths, _with_progress(results, len(paths)), strict=True):
            if isinstance(image, Exception):
                if not skip_bad:
                    raise ValueError(f"{path}: can't read this image: {image}")
                bad.append(path)
                image = None
            elif first is None:
                first = path, image.shape[:2]
            elif image.shape[:2] != first[1]:
                raise ValueError(
                    f"Images differ in size, so `image_size` must be given. Found: "
                    f"{_size(first[1])} in {first[0]}, {_size(image.shape)} in {path}"
                )
            images.append(image)
    return images, bad


def _without_pixels(path, image_size):
    return np.broadcast_to(np.uint8(0), image_file_shape(path, image_size))


def _try_to_read(read, image_size, path):
    try:
        return read(path, image_size)
    # Pillow's decoders raise OSError, SyntaxError, struct.error … on damaged bytes.
    except Exception as error:
        return error


def _in_threads(function, items):
    """`map`, in threads, since Pillow decodes without the interpreter's lock."""
    pool = ThreadPoolExecutor()
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(cancel_futures=True)


def _with_progress(items, count):
    # A thousand images take seconds; fewer are read before a bar could be.
    if count < 1000:
        yield from items
        return

    import keras

    bar = keras.utils.Progbar(count, unit_name="image")
    for item in items:
        yield item
        bar.add(1)


def _size(shape):
    return f"{shape[0]}×{shape[1]}"
