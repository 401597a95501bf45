"""A line that says early how long the training is going to take on this machine."""

import time
from collections.abc import Callable

import keras

STEPS = 10  # measured after the first step, which compiles


class PaceLine(keras.callbacks.Callback):
    """Measure the first steps of a training and print when it is going to end.

    The estimate is of the training steps alone. Tests between epochs, the last test and the
    pictures come on top of it.

    Args:
        name: str, with which the line begins.
        steps: int, number of steps from here to the end of the training.
        clock: function that gives seconds. Default: `time.monotonic`.
    """

    def __init__(self, name: str, steps: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.name = name
        self.steps = steps
        self.clock = clock
        self._first = None

    def on_train_batch_end(self, batch, logs=None):
        if self.name is None:
            return
        if self._first is None:
            self._first = batch, self.clock()
            return
        taken = batch - self._first[0]
        if taken >= STEPS:
            pace = (self.clock() - self._first[1]) / taken
            print(
                f"\n{self.name}: {pace:.2f} s a step here; the {self.steps:,} steps of the "
                f"training take about {duration(pace * self.steps)}"
            )
            self.name = None


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it, such as "40 s", "9 min" or "1.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
