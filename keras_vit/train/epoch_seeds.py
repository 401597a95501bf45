"""Random draws that depend only on seed, epoch and step, so that a run can be resumed."""

import keras
import numpy as np


class EpochSeeds(keras.callbacks.Callback):
    """Reseed the process on PyTorch at every step, and the seed generators at every epoch.

    The order of the images and every random draw then depend only on seed, epoch and step. A run
    that was stopped and goes on draws the same numbers as a run that was not stopped. Within an
    epoch, the model's seed generators count up draw by draw; a checkpoint in the middle of an epoch
    stores their state.

    Note that on PyTorch this callback calls `keras.utils.set_random_seed` before each step: it
    reseeds Python's, NumPy's and PyTorch's own generators for the whole process.

    Args:
        seed: int, the run's seed.
        batches: `ShuffledBatches` that are trained on, or any object with `start_epoch(epoch)`.
        place: object with `epoch` and `step`, at which training goes on in the middle of an epoch.
            None: training begins with an epoch. Default: None.
    """

    def __init__(self, seed: int, batches, place=None) -> None:
        super().__init__()
        self.seed = seed
        self.batches = batches
        self.place = place
        self._first = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._first = self.place.step if self.place and self.place.epoch == epoch else 0
        self.batches.start_epoch(epoch)
        if self._first:
            return
        rng = np.random.default_rng((self.seed, epoch))
        for variable in self.model.non_trainable_variables:
            if variable.name.endswith("seed_generator_state"):
                variable.assign(rng.integers(2**31, size=2).astype("uint32"))

    def on_train_batch_begin(self, batch, logs=None):
        if keras.backend.backend() == "torch":
            # On PyTorch, Keras's dropout without a seed draws from PyTorch's own generator, whose
            # state is in no checkpoint. TensorFlow is not reseeded, because reseeding would make it
            # compile its kernels again.
            rng = np.random.default_rng((self.seed, self._epoch, self._first + batch))
            keras.utils.set_random_seed(int(rng.integers(2**31)))
