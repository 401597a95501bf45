import keras
import numpy as np
import pytest
from keras import ops

from keras_vit.reproductions import HashedDropout
from keras_vit.reproductions.hashed_dropout import hashed, indices

pytestmark = pytest.mark.backends


def lowbias32(x, second):
    """The published function in uint32 arithmetic, with a word mixed in half-way."""
    x = x.astype("uint32")
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = x ^ np.uint32(second)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def test_the_hash_is_the_published_one():
    x = np.random.default_rng(0).integers(-(2**31), 2**31, 1000, dtype="int32")
    ours = hashed(ops.convert_to_tensor(x), np.int32(0), np.int32(0))
    np.testing.assert_array_equal(ops.convert_to_numpy(ours).view("uint32"), lowbias32(x, 0))
    ours = hashed(ops.convert_to_tensor(x), np.int32(-77), np.int32(123456))
    expected = lowbias32(x ^ np.int32(-77), 123456)
    np.testing.assert_array_equal(ops.convert_to_numpy(ours).view("uint32"), expected)


def test_every_value_has_a_place_of_its_own():
    x = np.zeros((2, 3, 4), "float32")
    expected = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(ops.convert_to_numpy(indices(x)), expected)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.0])
def test_drops_its_share_everywhere_and_scales_the_rest(rate):
    x = np.ones((400, 30, 10), "float32")
    y = ops.convert_to_numpy(HashedDropout(rate, seed=1)(x, training=True))
    dropped = y == 0
    # Each of the ten columns stands for 12,000 draws: five standard deviations or more.
    assert np.abs(dropped.mean(axis=(0, 1)) - rate).max() <= 5 * (rate / 12_000) ** 0.5
    np.testing.assert_allclose(y[~dropped], 1 / (1 - rate), rtol=1e-6)


def test_neighbours_are_dropped_apart_from_each_other():
    x = np.ones((400, 30, 8), "float32")
    kept = ops.convert_to_numpy(HashedDropout(0.5, seed=2)(x, training=True)) > 0
    along = [np.moveaxis(kept, axis, 0).reshape(kept.shape[axis], -1)[:8] for axis in range(3)]
    for rows in along:
        assert np.abs(np.corrcoef(rows) - np.eye(8)).max() < 5 / rows.shape[1] ** 0.5


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_keeps_a_low_precision(dtype):
    x = ops.ones((40, 30), dtype)
    y = HashedDropout(0.5, seed=1, dtype=f"mixed_{dtype}")(x, training=True)
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    assert set(np.unique(ops.convert_to_numpy(ops.cast(y, "float32")))) == {0, 2}


def test_calls_drop_apart_from_each_other():
    x = np.ones((4000,), "float32")
    layer = HashedDropout(0.5, seed=3)
    kept = [ops.convert_to_numpy(layer(x, training=True)) > 0 for _ in range(20)]
    # A mask that is another's, shifted, would be as bad as its copy.
    spectra = np.fft.rfft(np.array(kept) - 0.5, n=8192)
    for i in range(20):
        for j in range(i):
            correlation = np.fft.irfft(spectra[i] * spectra[j].conj())
            assert np.abs(correlation).max() / 0.25 < 7 * 4000**0.5


def test_without_training_nothing_is_dropped():
    x = np.ones((2, 5), "float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(HashedDropout(0.5)(x)), x)


def test_draws_again_from_its_seed():
    x = np.ones((4, 64), "float32")
    first, again = (HashedDropout(0.5, seed=3)(x, training=True) for _ in range(2))
    np.testing.assert_array_equal(ops.convert_to_numpy(first), ops.convert_to_numpy(again))


def test_a_rate_that_leaves_nothing_is_refused():
    message = "`rate` must be at least 0 and less than 1. Received: rate=1"
    with pytest.raises(ValueError, match=message):
        HashedDropout(1.0)
