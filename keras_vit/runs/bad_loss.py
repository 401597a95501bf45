"""A loss that is not finite: stop, and keep the last good weights."""

import math

import keras
import numpy as np
from keras import ops


class BadLoss(Exception):
    """The loss was not finite; the trainer has its last good weights again.

    Args:
        stop: the `StopOnBadLoss` that stopped the training.
    """

    def __init__(self, stop):
        steps = f" and {stop.good_step} steps of the next" if stop.good_step else ""
        super().__init__(
            f"the loss was not finite in epoch {stop.failed}: training stopped; the weights "
            f"after epoch {stop.good_epoch}{steps}"
        )


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
