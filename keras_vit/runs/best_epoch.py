"""The weights of the epoch with the lowest validation loss."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras

from keras_vit.files.array_file import load_arrays, remove_arrays, save_arrays
from keras_vit.runs.checkpoint import GENERATIONS
from keras_vit.runs.history import read_history


class BestEpoch(keras.callbacks.Callback):
    """Callback that saves the model's weights after the epoch with the lowest validation loss.

    The file `history.csv` alone determines which epoch is the best, so that a run that was stopped
    can go on.

    Args:
        folder: Path, the folder for the weights. It is made when the first weights are saved.
        history: Path, the `history.csv`. The row of an epoch must be written before this callback
            is called.
        first: int, first epoch, counted from 1, that may be the best.
    """

    def __init__(self, folder: Path, history: Path, first: int) -> None:
        super().__init__()
        self.folder = folder
        self.history = history
        self.first = first

    def on_epoch_end(self, epoch, logs=None):
        rows = read_history(self.history)
        if best_epoch(rows, self.first) != epoch + 1:
            return
        self.folder.mkdir(exist_ok=True)
        save_arrays(best_file(self.folder, epoch + 1), self.model.model.get_weights())
        # If the run is killed before the checkpoint of this epoch is written, it goes on from the
        # checkpoint before, or from the one before that if the newer is damaged. The best weights
        # of each of these epochs must still exist.
        for older in sorted(self.folder.glob("best-*.state"))[: -GENERATIONS - 1]:
            remove_arrays(older)


def load_best_epoch(
    model: keras.Model, folder: Path, history: Sequence[Mapping], first: int
) -> int:
    """Load the weights of the best epoch into a model.

    Args:
        model: the plain model.
        folder: Path, the folder in which `BestEpoch` saved the weights.
        history: sequence of dicts, the rows of `history.csv`.
        first: int, first epoch, counted from 1, that may be the best.

    Returns:
        The number of the best epoch, counted from 1.
    """
    epoch = best_epoch(history, first)
    weights, _ = load_arrays(best_file(folder, epoch))
    model.set_weights(weights)
    return epoch


def best_epoch(history: Sequence[Mapping], first: int) -> int:
    """Return the epoch, counted from 1, with the lowest `val_loss` of those from `first` on.

    If the run has not reached the epoch `first`, this is the last epoch.
    """
    losses = [float(row["val_loss"]) for row in history]
    allowed = range(min(first, len(losses)), len(losses) + 1)
    return min(allowed, key=lambda epoch: losses[epoch - 1])


def best_file(folder: Path, epoch: int) -> Path:
    """Return the path of the weights of an epoch."""
    return folder / f"best-{epoch:05d}.state"
