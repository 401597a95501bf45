"""Schedules of the learning rate."""

import keras


def warmup_cosine(
    peak: float, total_steps: int, warmup_steps: int, final: float = 0.0
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Make a learning rate that rises linearly from 0 and then falls along half a cosine.

    Args:
        peak: float above 0, the rate after `warmup_steps`.
        total_steps: int, number of steps of the whole schedule with the rise. After them the rate
            stays at `final`.
        warmup_steps: int from 0 to `total_steps` - 1, number of steps of the linear rise. With 0
            the schedule starts at the peak.
        final: float from 0 to `peak`, the rate at the end. Default: 0.0.

    Returns:
        A `keras.optimizers.schedules.CosineDecay`.

    Raises:
        ValueError: if an argument is outside its range.
    """
    check_schedule(peak, total_steps, warmup_steps, final)
    if warmup_steps == 0:
        # Keras computes the rate in the type of this number, so it must be a float.
        return keras.optimizers.schedules.CosineDecay(float(peak), total_steps, alpha=final / peak)
    return keras.optimizers.schedules.CosineDecay(
        0.0,  # This must be a float for the same reason.
        total_steps - warmup_steps,
        alpha=final / peak,
        warmup_target=peak,
        warmup_steps=warmup_steps,
    )


def check_schedule(peak: float, total_steps: int, warmup_steps: int, final: float) -> None:
    """Raise a ValueError if a schedule with a warm-up has no such arguments."""
    if not peak > 0 or not 0 <= final <= peak:
        raise ValueError(
            "`peak` must be above 0, and `final` must be from 0 to `peak`. "
            f"Received: peak={peak}, final={final}"
        )
    if not 0 <= warmup_steps < total_steps:
        raise ValueError(
            "`warmup_steps` must be 0 or more and less than `total_steps`. "
            f"Received: warmup_steps={warmup_steps}, total_steps={total_steps}"
        )


def warmup_linear(
    peak: float, total_steps: int, warmup_steps: int, final: float = 0.0
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Make a learning rate that rises linearly from 0 and then falls linearly.

    The arguments and errors are those of `warmup_cosine`.

    Returns:
        A `WarmupLinear`.
    """
    check_schedule(peak, total_steps, warmup_steps, final)
    return WarmupLinear(peak, total_steps, warmup_steps, final)


@keras.saving.register_keras_serializable(package="keras_vit")
class WarmupLinear(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise and a linear fall; see `warmup_linear`."""

    def __init__(self, peak: float, total_steps: int, warmup_steps: int, final: float) -> None:
        super().__init__()
        self.peak = peak
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps
        self.final = final

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        rise = step / max(1, self.warmup_steps)
        fall = (step - self.warmup_steps) / (self.total_steps - self.warmup_steps)
        fall = self.peak + keras.ops.clip(fall, 0.0, 1.0) * (self.final - self.peak)
        return keras.ops.where(step < self.warmup_steps, self.peak * rise, fall)

    def get_config(self) -> dict:
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "warmup_steps": self.warmup_steps,
            "final": self.final,
        }


@keras.saving.register_keras_serializable(package="keras_vit")
class EpochSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that counts epochs instead of steps, so that the rate is constant in an epoch.

    The schedule can also count updates with gradient accumulation, because Keras's optimizers call
    their schedule with the number of the step and not of the update. `steps_per_epoch` is then the
    number of steps of one update.

    Args:
        schedule: a schedule over epochs.
        steps_per_epoch: int, number of steps after which the count of epochs rises by 1.
    """

    def __init__(
        self, schedule: keras.optimizers.schedules.LearningRateSchedule, steps_per_epoch: int
    ) -> None:
        super().__init__()
        self.schedule = schedule
        self.steps_per_epoch = steps_per_epoch

    def __call__(self, step):
        epoch = keras.ops.floor_divide(keras.ops.cast(step, "int32"), self.steps_per_epoch)
        return self.schedule(epoch)

    def get_config(self) -> dict:
        return {
            "schedule": keras.saving.serialize_keras_object(self.schedule),
            "steps_per_epoch": self.steps_per_epoch,
        }

    @classmethod
    def from_config(cls, config: dict) -> "EpochSchedule":
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["steps_per_epoch"])
