"""The history of a run, with one row for each epoch in `history.csv`."""

import csv
import time
from pathlib import Path

import keras
from keras import ops

from keras_vit.files import whole_file


class HistoryFile(keras.callbacks.Callback):
    """Callback that writes `history.csv` again after every epoch, whole or not at all.

    The columns are epoch (counted from 1), the values that Keras logs, learning_rate (at the end of
    the epoch) and seconds.

    Args:
        path: Path, the file.
        first_epoch: int, number of epochs that were done before. Their rows stay in the file, and
            later rows are removed. Default: 0.
        seconds: float, time that was spent on the next epoch before the run was stopped. Default:
            0.0.
    """

    def __init__(self, path: Path, first_epoch: int = 0, seconds: float = 0.0) -> None:
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


def read_history(path: Path) -> list[dict[str, str]]:
    """Read the rows of a `history.csv`.

    Args:
        path: Path, the file.

    Returns:
        A list of dicts of str. It is empty for a run without the file, such as a linear probe.
    """
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))
