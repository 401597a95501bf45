"""As many steps as end within a wall-clock budget, fixed before the first."""

import dataclasses
import statistics
import time
from typing import NamedTuple

from keras_vit.runs import build

MARGIN = 0.1  # of what is left: other work on the machine, the data
FINISH = 15.0  # seconds for the pictures and the report, on two CPU cores
STEPS, SECONDS = (3, 20), 3.0


class Pace(NamedTuple):
    """How fast a trainer is here, in seconds.

    Attributes:
        first: of the first step, which compiles.
        step: of a later one.
    """

    first: float
    step: float


def within_time(preset, build_model, data, validation_images, seconds):
    """The preset with as many steps as end within a time.

    Measured with a trainer of its own that is thrown away: the run that follows is the one that
    these numbers of epochs and steps give on any machine.

    Args:
        preset: the `Preset`, which has the most epochs.
        build_model: makes a model such as is to be trained.
        data: the `ImageData` to train on and to test.
        validation_images: looked at from time to time.
        seconds: from now to the end of the run.

    Raises:
        ValueError: where the time is too short for a single step.
    """
    started = time.perf_counter()
    batches = build.build_batches(preset, *data.train, 0)
    trainer = build.build_trainer(preset, build_model(), len(batches))
    pace = measured_pace(trainer, batches[0])
    left = seconds - (time.perf_counter() - started)
    # A forward pass is a third of a step; half of one leaves room for reading and resizing.
    look = pace.step / batches.batch_size / 2
    # The run compiles the step again, and the same without its backward pass for testing.
    left = (1 - MARGIN) * left - 1.5 * pace.first - FINISH - look * len(data.x_test)
    per_epoch = len(batches) // preset.accumulate

    def updates(epochs):
        validating = look * validation_images * (epochs // preset.validation_freq(epochs))
        affordable = int((left - validating) / (pace.step * preset.accumulate))
        return min(affordable, epochs * per_epoch)

    most = max(map(updates, range(1, preset.epochs + 1)))
    if most < 1:
        raise ValueError(
            f"the time limit leaves no time to train: besides the training, this run needs about "
            f"{seconds - left:.0f} s on this machine, of {seconds:.0f}"
        )
    return with_updates(preset, per_epoch, most)


def with_updates(preset, per_epoch, most):
    """The preset with at most so many updates, in epochs of equal length.

    The epochs are a little shorter than all images would make them, rather than one fewer.
    """
    most = min(most, preset.epochs * per_epoch)
    epochs = -(-most // per_epoch)
    steps = most // epochs
    if steps > preset.steps_per_execution:  # a smaller last group would be compiled apart
        steps -= steps % preset.steps_per_execution
    return dataclasses.replace(preset, epochs=epochs, steps_per_epoch=steps)


def measured_pace(trainer, batch, clock=time.perf_counter):
    """The `Pace` of a trainer on one batch: its first step, and the median of some more."""
    times = []
    while len(times) < 1 + STEPS[0] or (len(times) < 1 + STEPS[1] and sum(times[1:]) < SECONDS):
        started = clock()
        trainer.train_on_batch(*batch)
        times.append(clock() - started)
    return Pace(times[0], statistics.median(times[1:]))
