"""Where a run stands, on the disk: the newest two checkpoints."""

import re
import time
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from keras_vit.files.array_file import Damaged, load_arrays, note_of, remove_arrays, save_arrays
from keras_vit.runs.termination import Terminated

GENERATIONS = 2


class Place(NamedTuple):
    """How far a run has come.

    Attributes:
        epoch: epochs done.
        step: steps done of the next one.
        seconds: that those steps took.
        metrics: values of the trainer's metric variables after them.
    """

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    metrics: tuple = ()


class Checkpoint(keras.callbacks.Callback):
    """Keeps all that training changes: weights, optimizer, seed generators.

    After every epoch or so, every so many steps, and in the middle of an epoch where SIGTERM asks
    for it. A checkpoint counts once it was read back and its checksum noted; the older of two goes
    only then. Keras's BackupAndRestore writes weights and epoch number one after the other, in
    place, and leaves the seed generators out.

    Args:
        folder: of the files; made when the first is written.
        every: also save after that many steps of an epoch; None: at its end alone.
        termination: a `Termination` to look at after every step; None: none.
        epochs: save at the end of every so many epochs, of the first and of the last.

    Raises:
        Terminated: where the signal came, once all is saved.
        OSError: naming a file that can't be written; those that count stay.
    """

    def __init__(self, folder, every=None, termination=None, epochs=1):
        super().__init__()
        self.folder = folder
        self.every = every
        self.termination = termination
        self.epochs = epochs
        self.place = Place()

    def files(self):
        """Those that were written to the end, newest first."""
        pattern = re.compile(r"epoch-\d+-step-\d+\.state")
        files = self.folder.glob("epoch-*.state") if self.folder.exists() else ()
        return sorted((f for f in files if pattern.fullmatch(f.name)), reverse=True)

    def restore(self, trainer):
        """Takes up the newest checkpoint that is whole, and takes away those after it.

        Returns:
            The `Place` where it was taken; the start without one.

        Raises:
            ValueError: naming the checkpoints where none can be read.
        """
        self.place = Place()
        files, damage = self.files(), {}
        for draft in self.folder.glob(".draft-*"):
            draft.unlink()
        for file in files:
            try:
                arrays, note = load_arrays(file)
            except Damaged as error:
                damage[file] = error
                continue
            put_state(trainer, arrays, file)
            self.place = Place(**{key: note[key] for key in Place._fields})
            for damaged, error in damage.items():
                print(f"{error}; going on from the one before it, {file.name}")
                remove_arrays(damaged)
            return self.place
        if damage and not killed_in_the_first(files):
            raise ValueError(f"no checkpoint can be read: {'; '.join(map(str, damage.values()))}")
        return self.place

    def save(self, trainer, place):
        """Writes a checkpoint, then takes away all but the newest."""
        self.folder.mkdir(exist_ok=True)
        file = self.folder / f"epoch-{place.epoch:05d}-step-{place.step:07d}.state"
        save_arrays(file, state_of(trainer), **place._asdict())
        for older in self.files()[GENERATIONS:]:
            remove_arrays(older)

    def on_train_begin(self, logs=None):
        if self.termination:
            self.termination.waits = True

    def on_train_end(self, logs=None):
        if self.termination:
            self.termination.waits = False

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._done = 0
        self._started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        first = self.place.step if self.place.epoch == self._epoch else 0
        # With `steps_per_execution` above 1, steps come by the group.
        before, self._done = self._done, batch + 1
        if first and not before:
            add_metrics(self.model, self.place.metrics)
        step = first + self._done
        if self._done >= self.params["steps"]:
            return  # the epoch's end is next
        asked = self.termination and self.termination.asked
        if asked or (self.every and step // self.every > (first + before) // self.every):
            metrics = [ops.convert_to_numpy(v).tolist() for v in self.model.metrics_variables]
            # What is not finite is not kept: the run is going to fail.
            if all(np.isfinite(metric).all() for metric in metrics):
                seconds = time.perf_counter() - self._started
                seconds += self.place.seconds if first else 0
                self.save(self.model, Place(self._epoch, step, seconds, metrics))
        if asked:
            raise Terminated(f"stopped by SIGTERM in epoch {self._epoch + 1} after step {step}")

    def on_epoch_end(self, epoch, logs=None):
        if self.model.stop_training:  # the weights are broken, see StopOnBadLoss
            return
        asked = self.termination and self.termination.asked
        last = epoch + 1 == self.params["epochs"]
        if asked or epoch == 0 or last or (epoch + 1) % self.epochs == 0:
            self.save(self.model, Place(epoch + 1))
        if asked:
            raise Terminated(f"stopped by SIGTERM after epoch {epoch + 1}")


def variables_of(trainer):
    """All that training changes, but for the metrics; the seed generators are among it."""
    if not trainer.optimizer.built:
        trainer.optimizer.build(trainer.trainable_variables)
    return [
        *trainer.trainable_variables,
        *trainer.non_trainable_variables,
        *trainer.optimizer.variables,
    ]


def state_of(trainer):
    arrays = [np.asarray(ops.convert_to_numpy(v)) for v in variables_of(trainer)]
    # numpy's files know no bfloat16.
    return [a if a.dtype.kind in "biuf" else a.astype("float32") for a in arrays]


def put_state(trainer, arrays, file):
    variables = variables_of(trainer)
    if [tuple(v.shape) for v in variables] != [a.shape for a in arrays]:
        raise ValueError(f"{file} is not a checkpoint of this model and optimizer")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def add_metrics(trainer, earlier):
    """Gives metrics that are sums, as means are, what an epoch's earlier steps added to them.

    After the first step: before it, TensorFlow has not made them yet.
    """
    for variable, value in zip(trainer.metrics_variables, earlier, strict=True):
        now = ops.convert_to_numpy(variable)
        variable.assign(now + np.asarray(value, now.dtype))


def killed_in_the_first(files):
    """Whether there is but one, which was never finished: nothing was lost with it."""
    return len(files) == 1 and not note_of(files[0]).exists()
