"""From where a run stands to its last epoch."""

from keras_vit.training.batches import RestOfEpoch, at_model_size
from keras_vit.training.best_epoch import BestEpoch
from keras_vit.training.callbacks import EpochSeeds, HistoryFile, StopOnBadLoss, read_history
from keras_vit.training.checkpoint import Checkpoint, Place


class BadLoss(Exception):
    """A loss that is not finite; the trainer has its last good weights again."""

    def __init__(self, stop):
        steps = f" and {stop.good_step} steps of the next" if stop.good_step else ""
        super().__init__(
            f"the loss was not finite in epoch {stop.failed}: training stopped; the weights "
            f"after epoch {stop.good_epoch}{steps}"
        )


def fit(trainer, batches, validation, preset, seed, folder, termination=None, save_every=None):
    """Trains to the last epoch; a checkpoint after each one.

    Args:
        trainer: the compiled trainer, as new.
        batches: those of an epoch, with `start_epoch`.
        validation: images and labels.
        preset: the `Preset`.
        seed: of the run.
        folder: its `RunFolder`.
        termination: the `Termination` that may ask for an end.
        save_every: steps after which a checkpoint is written within an epoch; None: none.

    Raises:
        BadLoss: saying where, and which weights the trainer has.
        ValueError: where epochs were trained and their checkpoints are gone.
        Terminated: where the end was asked for, once all is saved.
    """
    checkpoint = Checkpoint(folder.checkpoint, save_every, termination, preset.checkpoint_epochs)
    held_out = at_model_size(trainer.model, *validation, batches.devices)
    if left_out := len(validation[1]) - len(held_out.y):
        print(
            f"{left_out} of {len(validation[1])} images sit out the validation after an epoch: "
            f"{batches.devices.replicas} devices do not divide them"
        )

    def train(part, place, epochs):
        stop = StopOnBadLoss(place.epoch, place.step)
        history = HistoryFile(folder.history, place.epoch, place.seconds)
        callbacks = [EpochSeeds(seed, batches, place), stop, history]
        if preset.best_epoch_from is not None:
            callbacks.append(BestEpoch(folder.checkpoint, folder.history, preset.best_epoch_from))
        trainer.fit(
            part,
            initial_epoch=place.epoch,
            epochs=epochs,
            shuffle=False,  # they come shuffled; Keras would shuffle them by a seed of its own
            validation_data=held_out,
            validation_freq=preset.validation_freq(preset.epochs),
            # The checkpoint last: an epoch that it holds has its row in the history.
            callbacks=[*callbacks, checkpoint],
        )
        if stop.failed:
            raise BadLoss(stop)

    place = checkpoint.restore(trainer)
    refuse_lost(place, folder)
    while place.step:
        # The rest of an epoch is a fit of its own. Keras ends it with the averaged weights,
        # which are not to be trained on: its checkpoint has those before.
        train(RestOfEpoch(batches, place.step), place, place.epoch + 1)
        place = checkpoint.restore(trainer)
    train(batches, place, preset.epochs)


def refuse_lost(place, folder):
    """A ValueError rather than a silent start from nothing over epochs that were trained."""
    epochs = len(read_history(folder.history))
    if place.epoch > epochs:
        raise ValueError(
            f"{folder.history} has {epochs} epochs, but {folder.checkpoint} is of {place.epoch}; "
            "--overwrite begins anew"
        )
    # A kill in front of the first checkpoint leaves one row, and loses that epoch.
    if place == Place() and epochs > 1:
        raise ValueError(
            f"{folder.history} has {epochs} epochs, but {folder.checkpoint} has no checkpoint that "
            "this version reads; --overwrite begins anew"
        )
