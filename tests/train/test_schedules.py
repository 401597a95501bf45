import math

import keras
import numpy as np
import pytest

from keras_vit import warmup_cosine
from keras_vit.train.schedules import EpochSchedule, warmup_linear

pytestmark = pytest.mark.backends


def rates(schedule, steps):
    return [float(schedule(step)) for step in steps]


@pytest.mark.parametrize("warmup", [0, 10])
def test_it_rises_linearly_and_falls_along_half_a_cosine(warmup):
    schedule = warmup_cosine(2e-3, total_steps=110, warmup_steps=warmup, final=1e-5)
    assert isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule)
    steps = [0, 1, 5, 9, 10, 37, 60, 109, 110, 500]
    expected = [
        2e-3 * step / warmup
        if step < warmup
        else 1e-5
        + (2e-3 - 1e-5) * 0.5 * (1 + math.cos(math.pi * min(1, (step - warmup) / (110 - warmup))))
        for step in steps
    ]
    np.testing.assert_allclose(rates(schedule, steps), expected, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("warmup", [0, 10])
def test_a_whole_number_is_a_peak_too(warmup):
    steps = [10, 37, 60, 109, 110]
    ours, other = (rates(warmup_cosine(peak, 110, warmup), steps) for peak in (1, 1.0))
    assert ours == other


def test_it_comes_back_from_its_config():
    schedule = warmup_cosine(1e-3, 100, 10)
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert rates(again, [0, 5, 50]) == rates(schedule, [0, 5, 50])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 100, 10), "peak=0.0"),
        ((1e-3, 100, 100), "warmup_steps=100, total_steps=100"),
        ((1e-3, 100, -1), "warmup_steps=-1"),
        ((1e-3, 100, 10, 1.0), "final=1.0"),
    ],
)
def test_impossible_schedules_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        warmup_cosine(*arguments)


@pytest.mark.parametrize("warmup", [0, 10])
def test_it_rises_and_falls_linearly(warmup):
    schedule = warmup_linear(2e-3, total_steps=110, warmup_steps=warmup, final=1e-4)
    steps = [0, 1, 5, 10, 60, 110, 500]
    turns, values = [0, 10, 110], [0, 2e-3, 1e-4]
    first = 0 if warmup else 1
    turns[1] = warmup
    expected = np.interp(steps, turns[first:], values[first:])
    np.testing.assert_allclose(rates(schedule, steps), expected, rtol=1e-5)
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert rates(again, steps) == rates(schedule, steps)
    with pytest.raises(ValueError, match="peak=0"):
        warmup_linear(0, 110, warmup)


def test_by_epoch_kunvits_published_rates():
    """0, 2e-4 … 1e-3, one an epoch, then the cosine."""
    schedule = EpochSchedule(warmup_cosine(1e-3, 200, 5, 1e-5), steps_per_epoch=7)
    first = [0, 2e-4, 4e-4, 6e-4, 8e-4, 1e-3]
    for offset in (0, 6):
        steps = [7 * epoch + offset for epoch in range(6)]
        np.testing.assert_allclose(rates(schedule, steps), first, rtol=1e-5, atol=1e-9)
    middle = 1e-5 + 0.99e-3 * 0.5 * (1 + math.cos(math.pi * (100 - 5) / 195))
    np.testing.assert_allclose(rates(schedule, [703]), [middle], rtol=1e-4)


def test_by_epoch_round_trips_inside_an_optimizer():
    schedule = EpochSchedule(warmup_cosine(1e-3, 20, 5), steps_per_epoch=3)
    config = keras.optimizers.Adam(schedule).get_config()
    again = keras.optimizers.Adam.from_config(config)._learning_rate
    assert rates(again, range(30)) == rates(schedule, range(30))
