"""The weights of the epoch with the lowest validation loss."""

import keras

from keras_vit.files.array_file import load_arrays, remove_arrays, save_arrays
from keras_vit.runs.checkpoint import GENERATIONS
from keras_vit.runs.history import read_history


class BestEpoch(keras.callbacks.Callback):
    """Keeps the model's weights after the epoch with the lowest validation loss.

    Which one that is follows from `history.csv` alone, so a run that was stopped goes on right.

    Args:
        folder: of the files; made when the first is written.
        history: path of the `history.csv`, whose row of an epoch is there before its weights.
        first: epoch (from 1) that may be the best; earlier ones may not.
    """

    def __init__(self, folder, history, first):
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
        # Until this epoch's checkpoint stands, a kill goes back to the one before, or to the one
        # before that where it is damaged; the best of each must be there.
        for older in sorted(self.folder.glob("best-*.state"))[: -GENERATIONS - 1]:
            remove_arrays(older)


def load_best_epoch(model, folder, history, first):
    """Gives the model the best epoch's weights.

    Args:
        model: the plain model.
        folder: where `BestEpoch` kept them.
        history: rows of `history.csv`.
        first: epoch (from 1) that may be the best.

    Returns:
        The epoch, from 1.
    """
    epoch = best_epoch(history, first)
    weights, _ = load_arrays(best_file(folder, epoch))
    model.set_weights(weights)
    return epoch


def best_epoch(history, first):
    """The epoch, from 1, with the lowest `val_loss`; the last one while none may be the best."""
    losses = [float(row["val_loss"]) for row in history]
    allowed = range(min(first, len(losses)), len(losses) + 1)
    return min(allowed, key=lambda epoch: losses[epoch - 1])


def best_file(folder, epoch):
    return folder / f"best-{epoch:05d}.state"
