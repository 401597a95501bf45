import numpy as np

from keras_vit.training.batches import ShuffledBatches

X, Y = np.arange(10)[:, None], np.arange(10)


def epoch_of(batches, epoch):
    batches.start_epoch(epoch)
    return np.concatenate([batches[i][1] for i in range(len(batches))]).tolist()


def test_an_epoch_is_full_batches_of_different_images():
    batches = ShuffledBatches(X, Y, 4)
    assert len(batches) == 2
    epochs = [epoch_of(batches, epoch) for epoch in range(30)]
    assert all(len(set(labels)) == 8 for labels in epochs)
    assert len({tuple(labels) for labels in epochs}) == 30
    assert set().union(*epochs) == set(range(10))


def test_images_and_labels_stay_together():
    x, y = ShuffledBatches(X, Y, 5)[1]
    np.testing.assert_array_equal(x[:, 0], y)


def test_the_order_follows_from_seed_and_epoch_alone():
    first = ShuffledBatches(X, Y, 5, seed=3)
    epochs = [epoch_of(first, epoch) for epoch in range(3)]
    assert epoch_of(ShuffledBatches(X, Y, 5, seed=3), 2) == epochs[2]
    assert epoch_of(ShuffledBatches(X, Y, 5, seed=4), 0) != epochs[0]
