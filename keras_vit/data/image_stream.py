"""Image files that stand for an array which would not fit into memory."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from keras_vit.data.channels import with_channels
from keras_vit.data.image_file import read_image


class StreamedImages:
    """Images `(N, H, W, C)` that are read from their files, by threads, when they are asked for.

    It is indexed like the uint8 array that it stands for: `x[3]`, `x[:8]` and `x[[5, 2]]` give
    pixels. What was expected is read ahead; nothing that was handed over is kept.

    Args:
        paths: The files, readable ones.
        image_size: (height, width) that all are scaled and cropped to.
        channels: 1 or 3 that all are brought to.

    Attributes:
        failure: the ValueError of an image that could not be read any more; None: there was none.
    """

    dtype = np.dtype("uint8")
    ndim = 4

    def __init__(self, paths: Sequence[Path], image_size: tuple[int, int], channels: int):
        self.paths = list(paths)
        self.image_size = tuple(image_size)
        self.channels = channels
        self.failure = None
        self._reading = {}
        self._threads = None

    @property
    def shape(self):
        """`(N, H, W, C)`."""
        return (len(self.paths), *self.image_size, self.channels)

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        if isinstance(index, int | np.integer):
            return self[[index]][0]
        indices = np.arange(len(self))[index]
        self._start(indices)
        images = np.empty((len(indices), *self.shape[1:]), "uint8")
        for row, image in enumerate(self._reading.pop(indices.tobytes())):
            images[row] = image.result()
        return images

    def __array__(self, *_, **__):
        raise TypeError("StreamedImages are too many for one array: take a part of them, x[:100].")

    def take(self, indices, axis=0):
        """Some of the images, in the order given, still in their files."""
        return StreamedImages([self.paths[i] for i in indices], self.image_size, self.channels)

    def with_channels(self, channels):
        """The same images, grey or in colours."""
        return StreamedImages(self.paths, self.image_size, channels)

    def expect(self, *batches):
        """Begins to read what will be asked for next, and forgets what was expected before.

        Args:
            *batches: Indices as in `x[batch]`, in the order in which they will be asked for.
        """
        batches = [np.arange(len(self))[batch] for batch in batches]
        for key in self._reading.keys() - {indices.tobytes() for indices in batches}:
            for image in self._reading.pop(key):
                image.cancel()
        for indices in batches:
            self._start(indices)

    def _start(self, indices):
        if indices.tobytes() in self._reading:
            return
        if self._threads is None:
            self._threads = ThreadPoolExecutor(thread_name_prefix="images")
        # Pillow decodes without the interpreter's lock.
        self._reading[indices.tobytes()] = [self._threads.submit(self._read, i) for i in indices]

    def _read(self, index):
        path = self.paths[index]
        try:
            image = read_image(path, self.image_size)
        # Of many kinds. The file was readable when the folder was looked through.
        except Exception as error:
            self.failure = ValueError(f"{path}: can't read this image any more: {error}")
            raise self.failure from None
        image = image[..., np.newaxis] if image.ndim == 2 else image
        return with_channels(image[np.newaxis], self.channels)[0]
