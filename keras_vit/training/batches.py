import keras
import numpy as np

from keras_vit.data import StreamedImages
from keras_vit.data.resizing import resize_images

TEST_BATCH = 512


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
        batch_size: images a batch, at most N.
        seed: of the order.
        group: batches that belong together, for one update; an epoch has whole groups.
        groups: of an epoch, where that is less than there are images for; None: all.
    """

    def __init__(self, x, y, batch_size, seed=0, group=1, groups=None):
        super().__init__()
        self.x, self.y, self.batch_size, self.seed = x, y, batch_size, seed
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
        return self.order[index * self.batch_size : (index + 1) * self.batch_size]


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
        y: labels, `(N,)`.
        image_size: (height, width) to bring them to.
        batch_size: images a batch.
    """

    def __init__(self, x, y, image_size, batch_size):
        super().__init__()
        self.x, self.y = x, y
        self.image_size, self.batch_size = image_size, batch_size

    def __len__(self):
        return -(-len(self.x) // self.batch_size)

    def __getitem__(self, index):
        part, following = (
            slice(i * self.batch_size, (i + 1) * self.batch_size) for i in (index, index + 1)
        )
        return resize_images(taken(self.x, part, following), self.image_size), self.y[part]


def at_model_size(model, x, y):
    """Images and labels in even batches, of the size that the model takes."""
    return ResizedBatches(x, y, tuple(model.image_shape[:2]), even_batch(len(x)))


def even_batch(count):
    """A batch size of at most `TEST_BATCH` that makes the batches as equal as can be."""
    return -(-count // -(-count // TEST_BATCH))


def taken(x, part, *following):
    """`x[part]`; what follows is read meanwhile where `x` is `StreamedImages`."""
    if isinstance(x, StreamedImages):
        x.expect(part, *following)
    return x[part]
