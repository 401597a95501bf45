"""Adam with an L2 penalty in the gradient."""

import keras


@keras.saving.register_keras_serializable(package="keras_vit")
class AdamL2(keras.optimizers.Adam):
    """Adam with an L2 penalty in the gradient, as PyTorch's `Adam(weight_decay=…, eps=1e-7)`.

    Source: arXiv 1711.05101, algorithm 2, the pink term. Each gradient g becomes g + l2 · w before
    Adam scales it. This applies to every weight, also to biases and the weights of norms. AdamW, by
    contrast, subtracts its decay beside the scaled gradient.

    Args:
        learning_rate: float or schedule, the learning rate. Default: 1e-3.
        l2: float, 0 or more, factor of the weights in the gradient. Default: 0.0.
        name: str, name of the optimizer. Default: "adam_l2".
        **kwargs: arguments of `keras.optimizers.Adam`.

    Raises:
        ValueError: if `l2` is negative.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 1e-3,
        l2: float = 0.0,
        name: str = "adam_l2",
        **kwargs,
    ) -> None:
        super().__init__(learning_rate, name=name, **kwargs)
        if l2 < 0:
            raise ValueError(f"`l2` must be 0 or more. Received: l2={l2}")
        self.l2 = l2

    def update_step(self, gradient, variable, learning_rate) -> None:
        gradient = keras.ops.cast(gradient, variable.dtype) + self.l2 * variable
        super().update_step(gradient, variable, learning_rate)

    def get_config(self) -> dict:
        return {**super().get_config(), "l2": self.l2}
