import csv
import math
import time

import keras
import numpy as np
from keras import ops

from keras_vit.files import whole_file


class EpochSeeds(keras.callbacks.Callback):
    """Sets the order of the images and every random draw from seed, epoch and step.

    A run that was stopped and goes on then draws what it would have drawn. Within an epoch the
    seed generators count up, draw by draw; a checkpoint in its middle holds how far they are.

    Args:
        seed: of the run.
        batches: the `ShuffledBatches` that are trained on.
        place: the `Place` where training is taken up; None: an epoch's begin.
    """

    def __init__(self, seed, batches, place=None):
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
            # Keras's dropout without a seed draws from PyTorch's own generator there, which no
            # checkpoint holds. TensorFlow would throw away its compiled kernels.
            rng = np.random.default_rng((self.seed, self._epoch, self._first + batch))
            keras.utils.set_random_seed(int(rng.integers(2**31)))


class StopOnBadLoss(keras.callbacks.Callback):
    """Stops after an epoch whose loss is not finite and puts back the last good weights.

    Keras's TerminateOnNaN leaves the broken weights in place, and reads the loss at every step,
    for which an accelerator has to be waited for. The mean over an epoch stays NaN or infinite
    once a step was.

    Args:
        first_epoch: epochs that were done before.
        first_step: steps of the next one that were done before.

    Attributes:
        failed: the epoch of the bad loss, from 1; None where all went well.
        good_epoch: the epoch after which loss and weights were finite, from 1; 0 is the start.
        good_step: steps of the next epoch that the good weights had besides.
    """

    def __init__(self, first_epoch=0, first_step=0):
        super().__init__()
        self.failed = None
        self.good_epoch = first_epoch
        self.good_step = first_step

    def on_train_begin(self, logs=None):
        self._good = self._weights()

    def on_epoch_end(self, epoch, logs=None):
        weights = self._weights()
        # The last step may break the weights after its own loss was still finite.
        if math.isfinite(logs["loss"]) and all(np.isfinite(w).all() for w in weights):
            self._good, self.good_epoch, self.good_step = weights, epoch + 1, 0
        else:
            self.failed = epoch + 1
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.failed is not None:
            for variable, value in zip(self.model.trainable_variables, self._good, strict=True):
                variable.assign(value)

    def _weights(self):
        return [np.array(ops.convert_to_numpy(v)) for v in self.model.trainable_variables]


class HistoryFile(keras.callbacks.Callback):
    """Writes `history.csv` anew after every epoch: a row an epoch, whole or not at all.

    Columns: epoch (from 1), what Keras logs, learning_rate (after the epoch), seconds.

    Args:
        path: of the file.
        first_epoch: epochs that were done before; earlier rows up to it are kept.
        seconds: that the next epoch took before.
    """

    def __init__(self, path, first_epoch=0, seconds=0.0):
        super().__init__()
        self.path = path
        self._before = seconds
        self.rows = read_history(path)[:first_epoch]

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        rate = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))
        seconds = f"{self._before + time.perf_counter() - self._started:.2f}"
        self._before = 0.0
        logs = {key: repr(float(value)) for key, value in (logs or {}).items()}
        self.rows.append({"epoch": epoch + 1, **logs, "learning_rate": rate, "seconds": seconds})
        columns = dict.fromkeys(key for row in self.rows for key in row)
        with whole_file(self.path) as draft, open(draft, "w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(self.rows)


def read_history(path):
    """The rows of a `history.csv`, as dicts of str; none of a run without one, such as a probe."""
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))
