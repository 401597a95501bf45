"""Train a run from where it stands to its last epoch."""

from keras_vit.runs.bad_loss import BadLoss, StopOnBadLoss
from keras_vit.runs.best_epoch import BestEpoch
from keras_vit.runs.checkpoint import Checkpoint, Place
from keras_vit.runs.folder import RunFolder
from keras_vit.runs.history import HistoryFile, read_history
from keras_vit.runs.pace import PaceLine
from keras_vit.runs.preset import TrainingPreset
from keras_vit.runs.termination import Termination
from keras_vit.train.batches import RestOfEpoch, ShuffledBatches, at_model_size
from keras_vit.train.epoch_seeds import EpochSeeds


def fit(
    trainer,
    batches: ShuffledBatches,
    validation,
    preset: TrainingPreset,
    seed: int,
    folder: RunFolder,
    termination: Termination | None = None,
    save_every: int | None = None,
    name: str | None = None,
) -> None:
    """Train to the last epoch, with a checkpoint after each one.

    Args:
        trainer: compiled model, new: what the folder's checkpoint holds is restored here.
        batches: the batches of an epoch.
        validation: (images, labels) to look at after an epoch.
        preset: the preset.
        seed: int, the run's seed.
        folder: the run's folder.
        termination: the `Termination` that may ask for an end. Default: None.
        save_every: int, steps after which a checkpoint is written within an epoch. Default: None,
            at the end of an epoch alone.
        name: str, with which the line begins that says how long the training takes. Default: None,
            no such line.

    Raises:
        BadLoss: saying where the loss was not finite, and which weights the trainer has.
        ValueError: where epochs were trained and their checkpoints are gone.
        Terminated: where the end was asked for, once everything is saved.
    """
    checkpoint = Checkpoint(folder.checkpoint, save_every, termination, preset.checkpoint_epochs)
    held_out = at_model_size(trainer.model, *validation, batches.devices)
    if left_out := len(validation[1]) - len(held_out.y):
        print(
            f"{left_out} of {len(validation[1])} images sit out the validation after an epoch: "
            f"{batches.devices.replicas} devices do not divide them"
        )

    def train(part, place, epochs):
        nonlocal name
        stop = StopOnBadLoss(place.epoch, place.step)
        history = HistoryFile(folder.history, place.epoch, place.seconds)
        callbacks = [EpochSeeds(seed, batches, place), stop, history]
        if name and place.epoch < epochs:
            done = place.epoch * len(batches) + place.step
            callbacks.append(PaceLine(name, preset.epochs * len(batches) - done))
            name = None
        if preset.best_epoch_from is not None:
            callbacks.append(BestEpoch(folder.checkpoint, folder.history, preset.best_epoch_from))
        trainer.fit(
            part,
            initial_epoch=place.epoch,
            epochs=epochs,
            shuffle=False,  # The batches are shuffled; Keras would shuffle by a seed of its own.
            validation_data=held_out,
            validation_freq=preset.validation_freq(preset.epochs),
            # The checkpoint comes last: an epoch that it holds has its row in the history.
            callbacks=[*callbacks, checkpoint],
        )
        if stop.failed:
            raise BadLoss(stop)

    place = checkpoint.restore(trainer)
    refuse_lost(place, folder)
    while place.step:
        # The rest of an epoch is a `fit` of its own. Keras ends it with the averaged weights,
        # which must not be trained on: the checkpoint of Keras's end has those before.
        train(RestOfEpoch(batches, place.step), place, place.epoch + 1)
        place = checkpoint.restore(trainer)
    train(batches, place, preset.epochs)


def refuse_lost(place: Place, folder: RunFolder) -> None:
    """Raise a ValueError instead of starting from nothing, in silence, over trained epochs."""
    epochs = len(read_history(folder.history))
    if place.epoch > epochs:
        raise ValueError(
            f"{folder.history} has {epochs} epochs, but {folder.checkpoint} is of {place.epoch}; "
            "--overwrite begins anew"
        )
    # A kill before the first checkpoint leaves one row, and loses that epoch.
    if place == Place() and epochs > 1:
        raise ValueError(
            f"{folder.history} has {epochs} epochs, but {folder.checkpoint} has no checkpoint that "
            "this version reads; --overwrite begins anew"
        )
