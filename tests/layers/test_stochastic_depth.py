"""The rate of StochasticDepth and its scaling."""

import numpy as np
import pytest
from keras import ops

from keras_vit import StochasticDepth

pytestmark = pytest.mark.backends


def test_whole_images_lose_the_branch_and_the_rest_is_scaled_up():
    x = np.ones((4000, 3, 2), "float32")
    y = ops.convert_to_numpy(StochasticDepth(0.25, seed=1)(x, training=True))
    assert (y == y[:, :1, :1]).all()
    kept = y[:, 0, 0] != 0
    np.testing.assert_allclose(y[kept], 1 / 0.75, rtol=1e-6)
    assert abs(kept.mean() - 0.75) < 3.3 * np.sqrt(0.25 * 0.75 / 4000)  # 99.9 % band


def test_a_small_rate_is_kept_in_half_precision():
    """TensorFlow's uniform numbers in bfloat16 have 7 bits, so 1/120 would become 2/128."""
    x = np.ones((100_000, 1, 1), "float32")
    layer = StochasticDepth(1 / 120, seed=1, dtype="bfloat16")
    y = ops.convert_to_numpy(ops.cast(layer(x, training=True), "float32"))
    share = 1 / 120
    assert abs((y == 0).mean() - share) < 3.3 * np.sqrt(share * (1 - share) / len(x))


def test_nothing_happens_outside_training_or_at_rate_zero():
    x = np.random.default_rng(0).normal(size=(5, 3, 2)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(StochasticDepth(0.9)(x)), x)
    np.testing.assert_array_equal(ops.convert_to_numpy(StochasticDepth(0.0)(x, training=True)), x)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2])
def test_a_rate_outside_its_range_is_refused(rate):
    with pytest.raises(ValueError, match=f"Received: rate={rate}"):
        StochasticDepth(rate)
