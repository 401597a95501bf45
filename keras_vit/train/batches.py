"""Batches of images for training and for tests, in an order that a resumed run repeats."""

import keras
import numpy as np

from keras_vit.data import StreamedImages
from keras_vit.data.resizing import resize_images
from keras_vit.train.devices import ONE_DEVICE, Devices

TEST_BATCH = 256


class ShuffledBatches(keras.utils.PyDataset):
    """Full batches in a random order that depends only on the seed and the epoch.

    A stopped run can therefore go on where it stopped, on every backend. The images that do not
    fill a last batch are left out of an epoch, and in the next epoch other images are: a batch of
    another size would make XLA compile the step again.

    `StreamedImages` read ahead in their own threads. Keras's `workers` can't be used for this,
    because they read on after the end of an epoch in the order of the old epoch.

    Args:
        x: uint8 array or `StreamedImages`, images `(N, H, W, C)`.
        y: int array `(N,)`, labels.
        batch_size: int from 1 to N, number of images in a batch over all devices.
        seed: int, seed of the order. Default: 0.
        group: int, number of batches for one update. An epoch has whole groups. Default: 1.
        groups: int or None, number of groups in an epoch, if there are images for so many. None: as
            many groups as there are images for. Default: None.
        devices: the `Devices` that train; each process takes its own part of each batch. Default:
            `ONE_DEVICE`.
        alternating_flip: bool, whether each image is flipped left and right in every second epoch.
            The seed says for each image whether it begins flipped. Each two epochs then hold every
            image once in each form, and not twice in one form, as half of the images would be by a
            flip at random (arXiv 2404.00498, section 3.6). Default: False.

    Raises:
        ValueError: if the devices do not divide a batch evenly.
    """

    def __init__(
        self,
        x,
        y: np.ndarray,
        batch_size: int,
        seed: int = 0,
        group: int = 1,
        groups: int | None = None,
        devices: Devices = ONE_DEVICE,
        alternating_flip: bool = False,
    ) -> None:
        super().__init__()
        devices.check_batch_size(batch_size)
        self.x, self.y, self.batch_size, self.seed = x, y, batch_size, seed
        self.devices = devices
        # Another stream of the seed than those of the epochs' orders, which are (seed, epoch).
        draws = np.random.default_rng((seed, 0, 1)).random(len(x)) if alternating_flip else None
        self.begins_flipped = draws if draws is None else draws < 0.5
        all_groups = len(x) // (batch_size * group)
        self.count = group * min(all_groups, groups or all_groups)
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch, counted from 0.

        The callback `EpochSeeds` calls this method. Keras's own hook `on_epoch_end` can't, because
        Keras calls it once more than there are epochs.
        """
        self.epoch = epoch
        self.order = np.random.default_rng((self.seed, epoch)).permutation(len(self.x))

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        chosen = self._chosen(index)
        following = [self._chosen(index + 1)] if index + 1 < len(self) else []
        images = read_rows(self.x, chosen, *following)
        if self.begins_flipped is not None:
            flipped = self.begins_flipped[chosen] ^ bool(self.epoch % 2)
            images = np.where(flipped[:, None, None, None], images[:, :, ::-1], images)
        return images, self.y[chosen]

    def _chosen(self, index):
        """Return the indices of the images in this process's part of a batch."""
        batch = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return self.devices.own_part(batch)


class RestOfEpoch(keras.utils.PyDataset):
    """The last batches of an epoch, for a run that goes on in the middle of it.

    Args:
        batches: `keras.utils.PyDataset`, the batches of the whole epoch.
        first: int, index of the first batch that is left.
    """

    def __init__(self, batches: keras.utils.PyDataset, first: int) -> None:
        super().__init__()
        self.batches, self.first = batches, first

    def __len__(self):
        return len(self.batches) - self.first

    def __getitem__(self, index):
        return self.batches[self.first + index]


class ResizedBatches(keras.utils.PyDataset):
    """Batches in the order of the images, resized one batch at a time.

    All resized images together may not fit into memory: 10,000 images of 224x224 pixels need
    1.5 GB.

    Args:
        x: uint8 array or `StreamedImages`, images `(N, H, W, C)`.
        y: int array of at most N labels. The batches hold as many images as there are labels.
        image_size: pair of ints, (height, width) of the resized images.
        batch_size: int, number of images in a batch over all devices.
        devices: the `Devices` that compute; each process takes its own part of each batch. Default:
            `ONE_DEVICE`.
    """

    def __init__(
        self,
        x,
        y: np.ndarray,
        image_size: tuple[int, int],
        batch_size: int,
        devices: Devices = ONE_DEVICE,
    ) -> None:
        super().__init__()
        self.x, self.y = x, y
        self.image_size, self.batch_size = image_size, batch_size
        self.devices = devices

    def __len__(self):
        return -(-len(self.y) // self.batch_size)

    def __getitem__(self, index):
        part, following = self._rows(index), self._rows(index + 1)
        return resize_images(read_rows(self.x, part, following), self.image_size), self.y[part]

    def _rows(self, index):
        """Return the slice of the images in this process's part of a batch."""
        batch = range(len(self.y))[index * self.batch_size : (index + 1) * self.batch_size]
        own = self.devices.own_part(batch)
        return slice(own.start, own.stop)


def at_model_size(
    model: keras.Model, x, y: np.ndarray, devices: Devices = ONE_DEVICE
) -> ResizedBatches:
    """Make even batches of images in the size that a model takes.

    If the devices do not divide the number of images, the last few images are left out.

    Args:
        model: model with an attribute `image_shape`.
        x: uint8 array or `StreamedImages`, images `(N, H, W, C)`.
        y: int array `(N,)`, labels.
        devices: the `Devices` that compute. Default: `ONE_DEVICE`.

    Returns:
        The batches.

    Raises:
        ValueError: if there are fewer images than devices.
    """
    replicas = devices.replicas
    count = len(x) - len(x) % replicas
    if not count:
        raise ValueError(
            f"there must be at least one image to test on for each of the {replicas} devices. "
            f"Received: {len(x)} images"
        )
    batch_size = replicas * even_batch(count // replicas, max(1, TEST_BATCH // replicas))
    return ResizedBatches(x, y[:count], tuple(model.image_shape[:2]), batch_size, devices)


def even_batch(count: int, most: int = TEST_BATCH) -> int:
    """Return the batch size up to `most` for which the batches of `count` images differ least."""
    return -(-count // -(-count // most))


def read_rows(x, part, *following):
    """Return `x[part]`; `StreamedImages` also start to read the following parts."""
    if isinstance(x, StreamedImages):
        x.expect(part, *following)
    return x[part]
