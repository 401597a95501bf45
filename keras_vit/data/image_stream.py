"""Images that stay in their files until they are needed."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from keras_vit.data.channels import with_channels
from keras_vit.data.image_file import read_image


class StreamedImages:
    """Image files that are indexed like the uint8 array `(N, H, W, C)` of their pixels.

    `x[3]`, `x[:8]` and `x[[5, 2]]` read the files in threads and return their pixels, with values
    0 to 255. `expect` names the batches to read in advance. The object keeps no pixels that it has
    returned, so its memory does not grow with the number of files.

    Args:
        paths: sequence of Path, `N` readable image files.
        image_size: tuple (height, width) in pixels, the size to scale and crop every image to.
        channels: int, 1 to convert every image to grey or 3 to convert every image to RGB.

    Attributes:
        failure: ValueError for the latest image that could not be read, or `None`.
    """

    dtype = np.dtype("uint8")
    ndim = 4

    def __init__(self, paths: Sequence[Path], image_size: tuple[int, int], channels: int) -> None:
        self.paths = list(paths)
        self.image_size = tuple(image_size)
        self.channels = channels
        self.failure = None
        self._pending = {}
        self._threads = None

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape `(N, H, W, C)` of the array of all pixels."""
        return (len(self.paths), *self.image_size, self.channels)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int | slice | Sequence[int] | np.ndarray) -> np.ndarray:
        if isinstance(index, int | np.integer):
            return self[[index]][0]
        indices = np.arange(len(self))[index]
        self._start_reading(indices)
        images = np.empty((len(indices), *self.shape[1:]), "uint8")
        for row, image in enumerate(self._pending.pop(indices.tobytes())):
            images[row] = image.result()
        return images

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            "StreamedImages are too many for one array. Index a part of them, such as x[:100]. "
            f"Received: a conversion of all {len(self)} images"
        )

    def take(self, indices: Sequence[int] | np.ndarray, axis: int = 0) -> "StreamedImages":
        """Select some images without reading them.

        Args:
            indices: sequence of int, which images to select, in this order.
            axis: int, ignored; it is there for the signature of `numpy.take`. Default: 0.

        Returns:
            The selected images as `StreamedImages`.
        """
        return StreamedImages([self.paths[i] for i in indices], self.image_size, self.channels)

    def with_channels(self, channels: int) -> "StreamedImages":
        """Return the same images with 1 channel (grey) or 3 channels (RGB).

        Args:
            channels: int, 1 or 3.

        Returns:
            The images as `StreamedImages`.
        """
        return StreamedImages(self.paths, self.image_size, channels)

    def expect(self, *batches: slice | Sequence[int] | np.ndarray) -> None:
        """Start to read the next batches, and cancel batches that were expected before.

        Args:
            *batches: slices or sequences of int, the indices that `x[batch]` will be called with,
                in this order.
        """
        batches = [np.arange(len(self))[batch] for batch in batches]
        for key in self._pending.keys() - {indices.tobytes() for indices in batches}:
            for image in self._pending.pop(key):
                image.cancel()
        for indices in batches:
            self._start_reading(indices)

    def _start_reading(self, indices):
        if indices.tobytes() in self._pending:
            return
        if self._threads is None:
            self._threads = ThreadPoolExecutor(thread_name_prefix="images")
        # Threads help because Pillow releases Python's global lock while it decodes.
        self._pending[indices.tobytes()] = [self._threads.submit(self._read, i) for i in indices]

    def _read(self, index):
        path = self.paths[index]
        try:
            image = read_image(path, self.image_size)
        # Pillow raises many types of errors. `load_data` could still read the file, so it has
        # changed since then.
        except Exception as error:
            self.failure = ValueError(f"{path}: Pillow can't read this image any more: {error}")
            raise self.failure from None
        image = image[..., np.newaxis] if image.ndim == 2 else image
        return with_channels(image[np.newaxis], self.channels)[0]
