"""The history of a run: one row per epoch in `history.csv`."""

import csv
import time

import keras
from keras import ops

from keras_vit.files import whole_file


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
