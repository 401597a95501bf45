import keras
import numpy as np
import pytest
from keras import ops

from keras_vit import AugmentedModel, RandomCrop, ViT
from keras_vit.runs.bad_loss import StopOnBadLoss
from keras_vit.runs.history import HistoryFile, read_history
from keras_vit.train.batches import ShuffledBatches
from keras_vit.train.epoch_seeds import EpochSeeds

pytestmark = pytest.mark.backends

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (8, 8, 8, 1)).astype("uint8")
LABELS = RNG.integers(0, 10, 8)


def trainer_with(rate=0.01):
    model = ViT((8, 8, 1), hidden_dim=8, depth=1, num_heads=1, mlp_dim=8)
    trainer = AugmentedModel(model, [RandomCrop(1)])
    trainer.compile(keras.optimizers.SGD(rate))
    return trainer


def test_a_loss_that_is_not_finite_stops_and_brings_back_the_last_good_weights():
    trainer = trainer_with()
    kept = []

    class BreakInEpochThree(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kept.append([np.array(w) for w in self.model.get_weights()])

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                head = self.model.model.get_layer("head").bias
                head.assign(np.full(head.shape, np.nan))

    stop = StopOnBadLoss()
    trainer.fit(
        IMAGES, LABELS, batch_size=4, epochs=9, verbose=0, callbacks=[stop, BreakInEpochThree()]
    )
    assert (stop.failed, stop.good_epoch) == (3, 2)
    trainable = len(trainer.trainable_variables)
    assert trainable == len(trainer.model.trainable_variables)
    for variable, good in zip(trainer.trainable_variables, kept[1], strict=False):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable.value), good)


def test_weights_that_the_last_step_broke_are_not_kept():
    """The loss of a step is finite when it is that very step that breaks the weights."""
    trainer = trainer_with(rate=float("inf"))
    start = [np.array(w) for w in trainer.model.get_weights()]
    stop = StopOnBadLoss()
    trainer.fit(IMAGES, LABELS, batch_size=8, epochs=3, verbose=0, callbacks=[stop])
    assert stop.good_epoch == 0
    assert stop.failed is not None
    for weight, first in zip(trainer.model.get_weights(), start, strict=True):
        np.testing.assert_array_equal(weight, first)


def test_the_history_is_written_every_epoch_and_goes_on_where_it_was(tmp_path):
    path = tmp_path / "history.csv"
    trainer = trainer_with()
    trainer.fit(IMAGES, LABELS, epochs=3, verbose=0, callbacks=[HistoryFile(path)])
    rows = read_history(path)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[0]["learning_rate"]) == pytest.approx(0.01)
    assert float(rows[2]["loss"]) > 0
    again = HistoryFile(path, first_epoch=2)
    trainer.fit(IMAGES, LABELS, initial_epoch=2, epochs=4, verbose=0, callbacks=[again])
    later = read_history(path)
    assert later[:2] == rows[:2]
    assert [row["epoch"] for row in later] == ["1", "2", "3", "4"]
    assert [p.name for p in tmp_path.iterdir()] == ["history.csv"]


def test_an_epochs_draws_follow_from_seed_and_epoch():
    def draws(seed, epoch):
        trainer = trainer_with()
        callback = EpochSeeds(seed, ShuffledBatches(IMAGES, LABELS, 4))
        callback.set_model(trainer)
        callback.on_epoch_begin(epoch)
        return ops.convert_to_numpy(trainer.augment[0](IMAGES))

    np.testing.assert_array_equal(draws(1, 5), draws(1, 5))
    assert not np.array_equal(draws(1, 5), draws(1, 6))
    assert not np.array_equal(draws(1, 5), draws(2, 5))
