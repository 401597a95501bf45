import keras
import numpy as np


class ShuffledBatches(keras.utils.PyDataset):
    """Full batches in an order that follows from seed and epoch alone.

    So a run can go on where it stopped, and no backend's own shuffle matters. Images beyond the
    last full batch sit an epoch out, others the next time: a batch of another size would make
    XLA compile the step again.

    Args:
        x: images, `(N, H, W, C)`.
        y: labels, `(N,)`.
        batch_size: images a batch, at most N.
        seed: of the order.
    """

    def __init__(self, x, y, batch_size, seed=0):
        super().__init__()
        self.x, self.y, self.batch_size, self.seed = x, y, batch_size, seed
        self.start_epoch(0)

    def start_epoch(self, epoch):
        """Takes an epoch's order. `EpochSeeds` calls it: Keras's own hooks come once too often."""
        self.order = np.random.default_rng((self.seed, epoch)).permutation(len(self.x))

    def __len__(self):
        return len(self.x) // self.batch_size

    def __getitem__(self, index):
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return self.x[chosen], self.y[chosen]
