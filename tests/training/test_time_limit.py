import itertools
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from keras_vit.data import ImageData
from keras_vit.files import read_json
from keras_vit.training import Preset, Recipe, main, time_limit
from keras_vit.training.time_limit import FINISH, Pace, measured_pace, with_updates, within_time

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
    batches = preset.batches(*DATA.train, 0)
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
    monkeypatch.setattr(time_limit, "time", SimpleNamespace(perf_counter=lambda: 0.0))


@pytest.mark.medium
def test_what_is_not_training_is_set_aside(paced):
    # 40 test images and 3 rounds of 20 for validation, at half of 2 s for 10 images.
    looking = (40 + 3 * 20) * 0.1
    seconds = (1.5 * 3.0 + FINISH + looking + 2.0 * 25.5) / 0.9
    preset = within_time(PRESET, lambda: PRESET.build_model(DATA), DATA, 20, seconds)
    assert (preset.epochs, preset.steps_per_epoch) == (3, 8)


@pytest.mark.medium
def test_a_presets_own_minutes_take_steps_only_where_they_must(paced):
    def within(share):
        """The preset in a time that has room for such a share of its 100 steps."""
        looking = (40 + 10 * 20) * 0.1
        seconds = 1.5 * 3.0 + FINISH + looking + 2.0 * 100 * share
        build = partial(PRESET.build_model, DATA)
        return within_time(PRESET, build, DATA, 20, seconds, spare_all=True)

    assert within(1.001) is PRESET  # though nothing is left for other work on the machine
    # Of 243.3 and 143.5 s a tenth is kept back: 88 and 47 steps, with 9 and 5 rounds of validation.
    assert updates(within(0.999)) == 9 * 9
    assert updates(within(0.5)) == 5 * 9


def updates(preset):
    return preset.epochs * preset.steps_per_epoch


@pytest.mark.medium
def test_each_part_of_a_batch_is_a_step(paced):
    preset = Preset("", "", epochs=10, batch_size=10, accumulate=2, model=MODEL)
    looking = (40 + 3 * 20) * 0.2
    seconds = (1.5 * 3.0 + FINISH + looking + 2 * 2.0 * 25.5) / 0.9
    within = within_time(preset, lambda: preset.build_model(DATA), DATA, 20, seconds)
    assert (within.epochs, within.steps_per_epoch) == (3, 8)
    assert len(within.batches(*DATA.train, 0)) == 16


@pytest.mark.medium
def test_too_little_time_is_an_error_that_says_how_much_is_needed(paced):
    with pytest.raises(ValueError, match="leaves no time to train.* of 30"):
        within_time(PRESET, lambda: PRESET.build_model(DATA), DATA, 20, 30.0)


@pytest.mark.medium
def test_a_run_keeps_its_presets_minutes_unless_it_is_told_its_epochs(tmp_path, monkeypatch):
    """100 digits in 4 batches: 40 steps, of which a machine may have no time for all."""
    preset = Preset("", "", epochs=10, minutes=1, batch_size=25, model=MODEL)
    recipe = Recipe("timed", "digits", {"only": preset}, on_cpu="only", on_gpu="only")

    monkeypatch.setattr(time_limit, "time", SimpleNamespace(perf_counter=lambda: 0.0))

    def trained(step, *words):
        monkeypatch.setattr(time_limit, "measured_pace", lambda *_: Pace(first=0.0, step=step))
        main(recipe, "", ["--out", str(tmp_path), "--overwrite", "--limit", "100", *words])
        settings = read_json(tmp_path / "config.json")
        assert settings["time_limit"] is None
        return settings["preset"]["epochs"], settings["preset"]["steps_per_epoch"]

    assert trained(0.01) == (10, None)
    # Of 54 s 15 are for pictures and 7.2 for the test images, at the end and after each epoch.
    assert trained(1.0) == (3, 3)
    assert trained(1.0, "--epochs", "2") == (2, None)
