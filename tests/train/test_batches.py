import numpy as np
from PIL import Image

from keras_vit.train.batches import ResizedBatches, ShuffledBatches

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


def test_resized_batches_hold_every_image_once_in_order():
    images = np.random.default_rng(0).integers(0, 256, (10, 4, 6, 3)).astype("uint8")
    batches = ResizedBatches(images, Y, (8, 12), batch_size=4)
    parts = [batches[i] for i in range(len(batches))]
    assert [len(labels) for _, labels in parts] == [4, 4, 2]
    x = np.concatenate([images for images, _ in parts])
    theirs = [Image.fromarray(i).resize((12, 8), Image.Resampling.BILINEAR) for i in images]
    np.testing.assert_allclose(x, np.stack(theirs), atol=1)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in parts]), Y)


def test_images_of_the_right_size_stay_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 6, 3)).astype("uint8")
    x, _ = ResizedBatches(images, Y[:3], (4, 6), batch_size=3)[0]
    np.testing.assert_array_equal(x, images)


def test_an_alternating_flip_shows_each_form_once_in_two_epochs():
    images = np.random.default_rng(0).integers(0, 256, (64, 2, 3, 1)).astype("uint8")
    batches = ShuffledBatches(images, np.arange(64), 16, seed=1, alternating_flip=True)
    flipped = []
    for epoch in range(3):
        batches.start_epoch(epoch)
        x, y = (
            np.concatenate(parts) for parts in zip(*map(batches.__getitem__, range(4)), strict=True)
        )
        x = x[np.argsort(y)]
        turned = (x == images[:, :, ::-1]).all(axis=(1, 2, 3))
        np.testing.assert_array_equal(x[~turned], images[~turned])
        flipped.append(turned)
    assert 16 < flipped[0].sum() < 48
    np.testing.assert_array_equal(flipped[1], ~flipped[0])
    np.testing.assert_array_equal(flipped[2], flipped[0])
    again = ShuffledBatches(images, np.arange(64), 16, seed=1, alternating_flip=True)
    np.testing.assert_array_equal(again.begins_flipped, batches.begins_flipped)
