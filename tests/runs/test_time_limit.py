import itertools

import numpy as np
import pytest

from keras_vit.data import ImageData
from keras_vit.runs import Preset, build, time_limit
from keras_vit.runs.time_limit import FINISH, Pace, measured_pace, with_updates, within_time

X, Y = np.zeros((100, 8, 8, 1), "uint8"), np.arange(100) % 2
DATA = ImageData(X, Y, X[:40], Y[:40], ("a", "b"))
MODEL = {"patch_size": 4, "hidden_dim": 8, "depth": 1, "num_heads": 1, "mlp_dim": 8}
PRESET = Preset("", "", epochs=10, batch_size=10, model=MODEL)


@pytest.mark.parametrize(
    ("most", "epochs", "steps"),
    [
        (1000, 10, 10),  # the preset's, and no more
        (100, 10, 10),
        (99, 10, 9),
        (25, 3, 8),
        (20, 2, 10),
        (11, 2, 5),
        (7, 1, 7),  # less than an epoch
        (1, 1, 1),
    ],
)
def test_the_updates_are_spread_over_epochs_of_equal_length(most, epochs, steps):
    preset = with_updates(PRESET, 10, most)
    assert (preset.epochs, preset.steps_per_epoch) == (epochs, steps)
    batches = build.build_batches(preset, *DATA.train, 0)
    assert len(batches) == steps
    assert 0 <= min(most, 100) - epochs * steps < epochs


def test_the_pace_is_that_of_the_steps_after_the_first():
    """By a clock of its own: 40 s to compile, then 2, 9 and 4 s."""
    ticks = itertools.chain.from_iterable([(0, 40), (40, 42), (50, 59), (60, 64)])
    asked = []

    class Trainer:
        def train_on_batch(self, *batch):
            asked.append(batch)

    pace = measured_pace(Trainer(), ("x", "y"), clock=iter(ticks).__next__)
    assert pace == Pace(first=40, step=4)
    assert asked == [("x", "y")] * 4


@pytest.fixture
def paced(monkeypatch):
    """A machine that takes 3 s to compile and 2 s a step, on a clock that stands still."""
    monkeypatch.setattr(time_limit, "measured_pace", lambda *_: Pace(first=3.0, step=2.0))
    monkeypatch.setattr(time_limit.time, "perf_counter", lambda: 0.0)


@pytest.mark.medium
def test_what_is_not_training_is_set_aside(paced):
    # 40 test images and 3 rounds of 20 for validation, at half of 2 s for 10 images.
    looking = (40 + 3 * 20) * 0.1
    seconds = (1.5 * 3.0 + FINISH + looking + 2.0 * 25.5) / 0.9
    preset = within_time(PRESET, lambda: build.build_model(PRESET, DATA), DATA, 20, seconds)
    assert (preset.epochs, preset.steps_per_epoch) == (3, 8)


@pytest.mark.medium
def test_each_part_of_a_batch_is_a_step(paced):
    preset = Preset("", "", epochs=10, batch_size=10, accumulate=2, model=MODEL)
    looking = (40 + 3 * 20) * 0.2
    seconds = (1.5 * 3.0 + FINISH + looking + 2 * 2.0 * 25.5) / 0.9
    within = within_time(preset, lambda: build.build_model(preset, DATA), DATA, 20, seconds)
    assert (within.epochs, within.steps_per_epoch) == (3, 8)
    assert len(build.build_batches(within, *DATA.train, 0)) == 16


@pytest.mark.medium
def test_too_little_time_is_an_error_that_says_how_much_is_needed(paced):
    with pytest.raises(
        ValueError, match="leaves no time to train.* Received: a time limit with 30 s left"
    ):
        within_time(PRESET, lambda: build.build_model(PRESET, DATA), DATA, 20, 30.0)
