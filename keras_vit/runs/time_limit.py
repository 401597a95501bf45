"""The number of training steps that fit into a time limit, fixed before the first step."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import keras

from keras_vit.data import ImageData
from keras_vit.runs import build
from keras_vit.runs.preset import Preset

MARGIN = 0.1  # share of the time that is kept for reading data and other work on the machine
FINISH = 15.0  # seconds for the pictures and the report, measured on two CPU cores
# A measurement takes from 3 to 20 steps after the first, and ends after 3 seconds.
STEPS, SECONDS = (3, 20), 3.0


class Pace(NamedTuple):
    """The speed of a trainer on this machine.

    Args:
        first: float, seconds of the first step, which compiles.
        step: float, seconds of a later step.
    """

    first: float
    step: float


def within_time(
    preset: Preset,
    build_model: Callable[[], keras.Model],
    data: ImageData,
    validation_images: int,
    seconds: float,
) -> Preset:
    """Return the preset with as many steps as fit into a time.

    A second trainer measures the speed and is discarded. The run that follows therefore depends
    only on the numbers of epochs and steps, and is the same on every machine.

    Args:
        preset: the `Preset`; its number of epochs is the largest possible one.
        build_model: function that makes a model like the one to train.
        data: the `ImageData` for training and test.
        validation_images: int, number of images of a validation.
        seconds: float, time from now to the end of the run.

    Returns:
        A `Preset` with other `epochs` and `steps_per_epoch`.

    Raises:
        ValueError: if the time is too short for a single step.
    """
    started = time.perf_counter()
    batches = build.build_batches(preset, *data.train, 0)
    trainer = build.build_trainer(preset, build_model(), len(batches))
    pace = measured_pace(trainer, batches[0])
    left = seconds - (time.perf_counter() - started)
    # A forward pass takes a third of a step. Half of a step leaves time to read and to resize.
    look = pace.step / batches.batch_size / 2
    # The run compiles the step again, and for the test it compiles the forward pass.
    left = (1 - MARGIN) * left - 1.5 * pace.first - FINISH - look * len(data.x_test)
    per_epoch = len(batches) // preset.accumulate

    def updates(epochs):
        validating = look * validation_images * (epochs // preset.validation_freq(epochs))
        affordable = int((left - validating) / (pace.step * preset.accumulate))
        return min(affordable, epochs * per_epoch)

    most = max(map(updates, range(1, preset.epochs + 1)))
    if most < 1:
        raise ValueError(
            "the time limit leaves no time to train: it must be longer than about "
            f"{seconds - left:.0f} s, which this run needs on this machine besides the training. "
            f"Received: a time limit with {seconds:.0f} s left"
        )
    return with_updates(preset, per_epoch, most)


def with_updates(preset: Preset, per_epoch: int, most: int) -> Preset:
    """Return the preset with a limited number of updates, in epochs of equal length.

    The epochs may be a little shorter than an epoch of all images.

    Args:
        preset: the `Preset`.
        per_epoch: int, number of updates in an epoch of all images.
        most: int, largest number of updates.
    """
    most = min(most, preset.epochs * per_epoch)
    epochs = -(-most // per_epoch)
    steps = most // epochs
    if steps > preset.steps_per_execution:  # A smaller last group would be compiled too.
        steps -= steps % preset.steps_per_execution
    return dataclasses.replace(preset, epochs=epochs, steps_per_epoch=steps)


def measured_pace(
    trainer: keras.Model, batch: tuple, clock: Callable[[], float] = time.perf_counter
) -> Pace:
    """Measure the first step of a trainer on one batch, and the median of some further steps."""
    times = []
    while len(times) < 1 + STEPS[0] or (len(times) < 1 + STEPS[1] and sum(times[1:]) < SECONDS):
        started = clock()
        trainer.train_on_batch(*batch)
        times.append(clock() - started)
    return Pace(times[0], statistics.median(times[1:]))
