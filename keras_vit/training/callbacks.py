import csv
import math
import time

import keras
import numpy as np
from keras import ops

from keras_vit.files import whole_file


class EpochSeeds(keras.callbacks.Callback):
    """Sets the order of the images and every random draw of an epoch from seed and epoch.

    What a checkpoint does not hold, the states of the seed generators, then follows from where
    the run stands: a run that was stopped and goes on draws what it would have drawn.

    Args:
        seed: of the run.
        batches: the `ShuffledBatches` that are trained on.
    """

    def __init__(self, seed, batches):
        super().__init__()
        self.seed = seed
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.start_epoch(epoch)
        rng = np.random.default_rng((self.seed, epoch))
        for variable in self.model.non_trainable_variables:
            if variable.name.endswith("seed_generator_state"):
                variable.assign(rng.integers(2**31, size=2).astype("uint32"))


class StopOnBadLoss(keras.callbacks.Callback):
    """Stops at a loss that is not finite and puts back the weights of the last good epoch.

    Keras's TerminateOnNaN stops, and leaves the broken weights in place.

    Attributes:
        failed: (epoch, batch) of the bad loss, counted from 1; None where all went well.
    """

    async_safe = True

    def __init__(self):
        super().__init__()
        self.failed = None

    def on_train_begin(self, logs=None):
        self._good = None

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch + 1
        if self._good is None:  # not sooner: a backup is restored when training begins
            self._keep()

    def on_train_batch_end(self, batch, logs=None):
        if self.failed is None and not math.isfinite(logs["loss"]):
            self.failed = (self._epoch, batch + 1)
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if self.failed is None:
            self._keep()

    def on_train_end(self, logs=None):
        if self.failed is not None:
            for variable, value in zip(self.model.trainable_variables, self._good, strict=True):
                variable.assign(value)

    def _keep(self):
        self._good = [np.array(ops.convert_to_numpy(v)) for v in self.model.trainable_variables]


class HistoryFile(keras.callbacks.Callback):
    """Writes `history.csv` anew after every epoch: a row an epoch, whole or not at all.

    Columns: epoch (from 1), what Keras logs, learning_rate (of the epoch's last step), seconds.

    Args:
        path: of the file.
        first_epoch: epochs that were done before; earlier rows up to it are kept.
    """

    def __init__(self, path, first_epoch=0):
        super().__init__()
        self.path = path
        self.rows = read_history(path)[:first_epoch] if path.exists() else []

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        rate = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))
        seconds = f"{time.perf_counter() - self._started:.2f}"
        logs = {key: repr(float(value)) for key, value in (logs or {}).items()}
        self.rows.append({"epoch": epoch + 1, **logs, "learning_rate": rate, "seconds": seconds})
        columns = dict.fromkeys(key for row in self.rows for key in row)
        with whole_file(self.path) as draft, open(draft, "w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(self.rows)


def read_history(path):
    """The rows of a `history.csv`, as dicts of str."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))
