import keras


def warmup_cosine(
    peak: float, total_steps: int, warmup_steps: int, final: float = 0.0
) -> keras.optimizers.schedules.LearningRateSchedule:
    """A learning rate that rises linearly from 0, then falls along half a cosine.

    Args:
        peak: the rate after `warmup_steps`.
        total_steps: steps of the whole schedule, the warm-up among them; `final` ever after.
        warmup_steps: steps of the linear rise; 0 starts at the peak.
        final: the rate at the end.

    Returns:
        A `keras.optimizers.schedules.LearningRateSchedule`, of Keras's own `CosineDecay`.

    Raises:
        ValueError: for rates or steps that make no such schedule.
    """
    if not peak > 0 or not 0 <= final <= peak:
        raise ValueError(f"Need 0 <= final <= peak, peak > 0. Received: peak={peak}, final={final}")
    if not 0 <= warmup_steps < total_steps:
        raise ValueError(
            "Need 0 <= warmup_steps < total_steps. "
            f"Received: warmup_steps={warmup_steps}, total_steps={total_steps}"
        )
    if warmup_steps == 0:
        # A float: Keras computes in its type.
        return keras.optimizers.schedules.CosineDecay(float(peak), total_steps, alpha=final / peak)
    return keras.optimizers.schedules.CosineDecay(
        0.0,  # a float, too
        total_steps - warmup_steps,
        alpha=final / peak,
        warmup_target=peak,
        warmup_steps=warmup_steps,
    )


@keras.saving.register_keras_serializable(package="keras_vit")
class EpochSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that counts epochs instead of steps: the rate stays through an epoch.

    Or through another number of steps, such as those of one update with gradient accumulation:
    Keras's optimizers show their schedule the steps.

    Args:
        schedule: a schedule over epochs.
        steps_per_epoch: steps after which it goes on.
    """

    def __init__(self, schedule, steps_per_epoch):
        super().__init__()
        self.schedule = schedule
        self.steps_per_epoch = steps_per_epoch

    def __call__(self, step):
        epoch = keras.ops.floor_divide(keras.ops.cast(step, "int32"), self.steps_per_epoch)
        return self.schedule(epoch)

    def get_config(self):
        return {
            "schedule": keras.saving.serialize_keras_object(self.schedule),
            "steps_per_epoch": self.steps_per_epoch,
        }

    @classmethod
    def from_config(cls, config):
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["steps_per_epoch"])
