"""The checkpoints of a run, of which the newest two are kept."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from keras_vit.files.array_file import Damaged, load_arrays, note_of, remove_arrays, save_arrays
from keras_vit.runs.termination import Terminated, Termination

GENERATIONS = 2  # number of checkpoints that are kept


class Place(NamedTuple):
    """The point in a training that a run has reached.

    Args:
        epoch: int, number of epochs done. Default: 0.
        step: int, number of steps done of the next epoch. Default: 0.
        seconds: float, time that these steps took. Default: 0.0.
        metrics: tuple, values of the trainer's metric variables after these steps. Default: ().
    """

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    metrics: tuple = ()


class Checkpoint(keras.callbacks.Callback):
    """Callback that saves all that training changes: weights, optimizer and seed generators.

    It saves at the end of epochs, after a number of steps, and after SIGTERM in the middle of an
    epoch. A checkpoint is valid once it was read back and its checksum was written; only then the
    oldest checkpoint is deleted. Keras's BackupAndRestore overwrites its files one after the other,
    so that a kill in between leaves a broken backup, and it does not save the seed generators.

    Args:
        folder: Path, the folder for the checkpoints. It is made when the first one is written.
        every: int or None, number of steps of an epoch after which to save. None: save only at the
            end of an epoch. Default: None.
        termination: `Termination` that is checked after every step, or None. Default: None.
        epochs: int, number of epochs after which to save. The first and the last epoch are always
            saved. Default: 1.

    Raises:
        Terminated: if SIGTERM came; the checkpoint is saved before.
        OSError: if a file can't be written. The error names the file, and the valid checkpoints
            stay.
    """

    def __init__(
        self,
        folder: Path,
        every: int | None = None,
        termination: Termination | None = None,
        epochs: int = 1,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.every = every
        self.termination = termination
        self.epochs = epochs
        self.place = Place()

    def files(self) -> list[Path]:
        """Return the checkpoints that were written to the end, the newest first."""
        pattern = re.compile(r"epoch-\d+-step-\d+\.state")
        files = self.folder.glob("epoch-*.state") if self.folder.exists() else ()
        return sorted((f for f in files if pattern.fullmatch(f.name)), reverse=True)

    def restore(self, trainer: keras.Model) -> Place:
        """Load the newest valid checkpoint, and delete newer ones that are damaged.

        Args:
            trainer: the compiled model, whose state is replaced.

        Returns:
            The `Place` of the checkpoint, or the start if there is no checkpoint.

        Raises:
            ValueError: if there are checkpoints and none can be read; the error names them.
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

    def save(self, trainer: keras.Model, place: Place) -> None:
        """Write a checkpoint, and then delete all but the newest two."""
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
        # With `steps_per_execution` above 1, Keras calls this method once for a group of steps.
        before, self._done = self._done, batch + 1
        if first and not before:
            add_metrics(self.model, self.place.metrics)
        step = first + self._done
        if self._done >= self.params["steps"]:
            return  # `on_epoch_end` saves.
        asked = self.termination and self.termination.asked
        if asked or (self.every and step // self.every > (first + before) // self.every):
            metrics = [ops.convert_to_numpy(v).tolist() for v in self.model.metrics_variables]
            # Metrics that are not finite are not saved, because the run is going to fail.
            if all(np.isfinite(metric).all() for metric in metrics):
                seconds = time.perf_counter() - self._started
                seconds += self.place.seconds if first else 0
                self.save(self.model, Place(self._epoch, step, seconds, metrics))
        if asked:
            raise Terminated(f"stopped by SIGTERM in epoch {self._epoch + 1} after step {step}")

    def on_epoch_end(self, epoch, logs=None):
        if self.model.stop_training:  # `StopOnBadLoss` found that the weights are broken.
            return
        asked = self.termination and self.termination.asked
        last = epoch + 1 == self.params["epochs"]
        if asked or epoch == 0 or last or (epoch + 1) % self.epochs == 0:
            self.save(self.model, Place(epoch + 1))
        if asked:
            raise Terminated(f"stopped by SIGTERM after epoch {epoch + 1}")


def variables_of(trainer: keras.Model) -> list[keras.Variable]:
    """Return all variables that training changes, with seed generators and without metrics."""
    if not trainer.optimizer.built:
        trainer.optimizer.build(trainer.trainable_variables)
    return [
        *trainer.trainable_variables,
        *trainer.non_trainable_variables,
        *trainer.optimizer.variables,
    ]


def state_of(trainer: keras.Model) -> list[np.ndarray]:
    """Return the values of `variables_of` as arrays."""
    arrays = [np.asarray(ops.convert_to_numpy(v)) for v in variables_of(trainer)]
    # NumPy's files can't hold bfloat16.
    return [a if a.dtype.kind in "biuf" else a.astype("float32") for a in arrays]


def put_state(trainer: keras.Model, arrays: Sequence[np.ndarray], file: Path) -> None:
    """Assign the arrays of a checkpoint to the variables of a trainer.

    Args:
        trainer: the compiled model.
        arrays: sequence of arrays, as from `state_of`.
        file: Path of the checkpoint, for the error.

    Raises:
        ValueError: if the arrays do not have the shapes of the variables.
    """
    variables = variables_of(trainer)
    if [tuple(v.shape) for v in variables] != [a.shape for a in arrays]:
        raise ValueError(
            f"{file} is not a checkpoint of this model and optimizer: its arrays must have the "
            f"shapes of their {len(variables)} variables. Received: {len(arrays)} arrays, of which "
            "not all have these shapes"
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def add_metrics(trainer: keras.Model, earlier: Sequence) -> None:
    """Add to the metrics the sums of the steps of an epoch before the run was stopped.

    Keras's means are sums and counts, so that adding both is correct. The function is called after
    the first step, because TensorFlow makes the metrics in that step.

    Args:
        trainer: the compiled model.
        earlier: sequence of values of the metric variables, from a `Place`.
    """
    for variable, value in zip(trainer.metrics_variables, earlier, strict=True):
        now = ops.convert_to_numpy(variable)
        variable.assign(now + np.asarray(value, now.dtype))


def killed_in_the_first(files: Sequence[Path]) -> bool:
    """Return whether the only checkpoint was never finished, so that nothing is lost without it."""
    return len(files) == 1 and not note_of(files[0]).exists()
