import keras
import numpy as np

from keras_vit.data import StreamedImages
from keras_vit.data.resizing import resize_images
from keras_vit.train.devices import ONE_DEVICE

TEST_BATCH = 256


class ShuffledBatches(keras.utils.PyDataset):
    """Full batches in an order that follows from seed and epoch alone.

    So a run can go on where it stopped, and no backend's own shuffle matters. Images beyond the
    last full batch sit an epoch out, others the next time: a batch of another size would make
    XLA compile the step again.

    Keras's `workers` would read ahead beyond the end of an epoch, in an order that is not the
    next one's, so `StreamedImages` have threads of their own.

    Args:
        x: images, `(N, H, W, C)`, an array or `StreamedImages`.
        y: labels, `(N,)`.
        batch_size: images a batch, at most N; of all devices together.
        seed: of the order.
        group: batches that belong together, for one update; an epoch has whole groups.
        groups: of an epoch, where that is less than there are images for; None: all.
        devices: the `Devices` that train; a process has its own part of each batch.

    Raises:
        ValueError: for a batch that the devices do not divide.
    """

    def __init__(self, x, y, batch_size, seed=0, group=1, groups=None, devices=ONE_DEVICE):
        super().__init__()
        devices.check_batch_size(batch_size)
        self.x, self.y, self.batch_size, self.seed = x, y, batch_size, seed
        self.devices = devices
        all_groups = len(x) // (batch_size * group)
        self.count = group * min(all_groups, groups or all_groups)
        self.start_epoch(0)

    def start_epoch(self, epoch):
        """Takes an epoch's order. `EpochSeeds` calls it: Keras's own hooks come once too often."""
        self.order = np.random.default_rng((self.seed, epoch)).permutation(len(self.x))

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        chosen = self._chosen(index)
        following = [self._chosen(index + 1)] if index + 1 < len(self) else []
        return taken(self.x, chosen, *following), self.y[chosen]

    def _chosen(self, index):
        batch = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return self.devices.own_part(batch)


class RestOfEpoch(keras.utils.PyDataset):
    """The batches of an epoch from one on, where a run goes on in its middle.

    Args:
        batches: those of the whole epoch.
        first: index of the first one that is left.
    """

    def __init__(self, batches, first):
        super().__init__()
        self.batches, self.first = batches, first

    def __len__(self):
        return len(self.batches) - self.first

    def __getitem__(self, index):
        return self.batches[self.first + index]


class ResizedBatches(keras.utils.PyDataset):
    """Batches in order, brought to another size as they are asked for.

    All images at once may not fit: 10,000 of 224x224 are 1.5 GB.

    Args:
        x: uint8 images, `(N, H, W, C)`, an array or `StreamedImages`.
        y: labels; as many images as there are of these are taken.
        image_size: (height, width) to bring them to.
        batch_size: images a batch, of all devices together.
        devices: the `Devices` that take them; a process has its own part of each batch.
    """

    def __init__(self, x, y, image_size, batch_size, devices=ONE_DEVICE):
        super().__init__()
        self.x, self.y = x, y
        self.image_size, self.batch_size = image_size, batch_size
        self.devices = devices

    def __len__(self):
        return -(-len(self.y) // self.batch_size)

    def __getitem__(self, index):
        part, following = self._rows(index), self._rows(index + 1)
        return resize_images(taken(self.x, part, following), self.image_size), self.y[part]

    def _rows(self, index):
        batch = range(len(self.y))[index * self.batch_size : (index + 1) * self.batch_size]
        own = self.devices.own_part(batch)
        return slice(own.start, own.stop)


def at_model_size(model, x, y, devices=ONE_DEVICE):
    """Images and labels in even batches, of the size that the model takes.

    A last few that the devices do not divide are left out.
    """
    replicas = devices.replicas
    count = len(x) - len(x) % replicas
    if not count:
        raise ValueError(f"{len(x)} images to look at are fewer than the {replicas} devices")
    batch_size = replicas * even_batch(count // replicas, max(1, TEST_BATCH // replicas))
    return ResizedBatches(x, y[:count], tuple(model.image_shape[:2]), batch_size, devices)


def even_batch(count, most=TEST_BATCH):
    """A batch size of at most `most` that makes the batches as equal as can be."""
    return -(-count // -(-count // most))


def taken(x, part, *following):
    """`x[part]`; what follows is read meanwhile where `x` is `StreamedImages`."""
    if isinstance(x, StreamedImages):
        x.expect(part, *following)
    return x[part]
