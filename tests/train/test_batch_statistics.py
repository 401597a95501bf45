import keras
import numpy as np
import pytest

from keras_vit import ConvViT, ViT
from keras_vit.train.batch_statistics import renew_batch_statistics
from tests.helpers import numpy_of


@pytest.mark.backends
def test_they_are_the_means_over_the_batches():
    inputs = keras.Input((4, 4, 3))
    x = keras.layers.BatchNormalization(momentum=0.9)(inputs)
    model = keras.Model(inputs, x)
    batches = np.random.default_rng(0).normal(5, 2, (6, 8, 4, 4, 3)).astype("float32")
    assert renew_batch_statistics(model, batches)
    norm = model.layers[1]
    means = batches.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(numpy_of(norm.moving_mean), means.mean(axis=0), rtol=1e-5)
    variances = batches.var(axis=(1, 2, 3)).mean(axis=0)
    np.testing.assert_allclose(numpy_of(norm.moving_variance), variances, rtol=1e-4)
    assert norm.momentum == 0.9


def test_the_weights_that_train_stay():
    model = ConvViT((12, 12, 3), widths=(4, 8), depth=1, num_heads=2, mlp_dim=8)
    before = [numpy_of(v) for v in model.trainable_variables]
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 12, 12, 3)).astype("float32")
    assert renew_batch_statistics(model, images)
    for variable, value in zip(model.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(numpy_of(variable), value)


def test_without_batch_normalisation_no_batch_is_computed():
    model = ViT((8, 8, 1), 4, 2, hidden_dim=8, depth=1, num_heads=2, mlp_dim=8)
    assert not renew_batch_statistics(model, iter([None]))
