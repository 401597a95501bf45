"""The end of a training whose loss is not finite, with the last good weights."""

import math

import keras
import numpy as np
from keras import ops


class BadLoss(Exception):
    """The error for a loss that is not finite; the trainer has its last good weights again.

    Args:
        stop: the `StopOnBadLoss` that stopped the training.
    """

    def __init__(self, stop: "StopOnBadLoss") -> None:
        steps = f" and {stop.good_step} steps of the next" if stop.good_step else ""
        super().__init__(
            f"the loss was not finite in epoch {stop.failed}, so the training stopped; the last "
            f"good weights are those after epoch {stop.good_epoch}{steps}"
        )


class StopOnBadLoss(keras.callbacks.Callback):
    """Callback that stops after an epoch whose loss is not finite and restores the good weights.

    Keras's TerminateOnNaN leaves the broken weights in the model. It also reads the loss after
    every step, so that the computer waits for its GPU each time. This callback reads the mean over
    the epoch, which is not finite if the loss of one step was not.

    Args:
        first_epoch: int, number of epochs that were done before. Default: 0.
        first_step: int, number of steps of the next epoch that were done before. Default: 0.

    Attributes:
        failed: int, the epoch of the bad loss, counted from 1, or None if every loss was finite.
        good_epoch: int, the last epoch after which loss and weights were finite, counted from 1; 0
            is the start.
        good_step: int, number of steps of the next epoch that the good weights also include.
    """

    def __init__(self, first_epoch: int = 0, first_step: int = 0) -> None:
        super().__init__()
        self.failed = None
        self.good_epoch = first_epoch
        self.good_step = first_step

    def on_train_begin(self, logs=None):
        self._good = self._weights()

    def on_epoch_end(self, epoch, logs=None):
        weights = self._weights()
        # The weights are checked too, because the last step of the epoch may break them although
        # its own loss was finite.
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
