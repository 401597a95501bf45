import numpy as np
import pytest
from keras import ops

from keras_vit.models.published import ByteDropout

pytestmark = pytest.mark.backends


@pytest.mark.parametrize(("rate", "bytes_"), [(0.1, 26), (0.5, 128), (0.0, 0)])
def test_drops_its_share_everywhere_and_keeps_the_mean(rate, bytes_):
    x = np.ones((400, 30, 10), "float32")
    y = ops.convert_to_numpy(ByteDropout(rate, seed=1)(x, training=True))
    dropped = y == 0
    share = bytes_ / 256
    # Each of the ten columns stands for 12,000 draws: five standard deviations.
    assert np.abs(dropped.mean(axis=(0, 1)) - share).max() <= 5 * (share / 12_000) ** 0.5
    np.testing.assert_allclose(y[~dropped], 1 / (1 - share), rtol=1e-6)


def test_neighbours_are_dropped_apart_from_each_other():
    x = np.ones((400, 30, 8), "float32")
    kept = ops.convert_to_numpy(ByteDropout(0.5, seed=2)(x, training=True)).reshape(-1, 8) > 0
    correlation = np.corrcoef(kept.T)
    # Bytes of one word among them: the four parts lie two columns apart.
    assert np.abs(correlation - np.eye(8)).max() < 5 / 12_000**0.5


def test_without_training_nothing_is_dropped():
    x = np.ones((2, 5), "float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(ByteDropout(0.5)(x)), x)


def test_draws_anew_at_each_call_and_again_from_its_seed():
    x = np.ones((4, 64), "float32")
    layer = ByteDropout(0.5, seed=3)
    first, second = (ops.convert_to_numpy(layer(x, training=True)) for _ in range(2))
    again = ops.convert_to_numpy(ByteDropout(0.5, seed=3)(x, training=True))
    assert np.any(first != second)
    np.testing.assert_array_equal(first, again)


def test_a_rate_that_leaves_nothing_is_refused():
    with pytest.raises(ValueError, match="`rate` must be 0 to 255/256. Received: 0.999"):
        ByteDropout(0.999)
