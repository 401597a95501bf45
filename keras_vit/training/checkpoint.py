import re

import keras

from keras_vit.files import whole_file


class Checkpoint(keras.callbacks.Callback):
    """Keeps the weights and the optimizer's state after the last epoch that ended well.

    One file an epoch, whose name says which: a single rename makes it count. Keras's
    BackupAndRestore writes weights and epoch number one after the other, in place; a kill between
    the two makes it train an epoch twice.

    Args:
        folder: of the files; made when the first is written.
    """

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    @property
    def latest(self):
        """(epochs done, file) of the newest checkpoint; (0, None) without one."""
        files = self.folder.glob("epoch-*.weights.h5") if self.folder.exists() else ()
        done = [(int(m[1]), f) for f in files if (m := re.match(r"epoch-(\d+)\.", f.name))]
        return max(done, default=(0, None))

    def restore(self, model):
        """Loads the newest checkpoint, if there is one.

        Returns:
            The number of epochs that are done.

        Raises:
            ValueError: for a file that can't be read, by its name.
        """
        epochs, file = self.latest
        if file is None:
            return 0
        model.optimizer.build(model.trainable_variables)
        try:
            model.load_weights(file)
        except (OSError, KeyError, ValueError) as error:
            raise ValueError(f"the checkpoint {file} can't be read: {error}") from error
        return epochs

    def on_epoch_end(self, epoch, logs=None):
        if self.model.stop_training:  # the weights are broken, see StopOnBadLoss
            return
        self.folder.mkdir(exist_ok=True)
        _, older = self.latest
        with whole_file(self.folder / f"epoch-{epoch + 1:05d}.weights.h5") as draft:
            self.model.save_weights(draft)
        if older is not None:
            older.unlink()
