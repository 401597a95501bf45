import keras


@keras.saving.register_keras_serializable(package="keras_vit")
class AdamL2(keras.optimizers.Adam):
    """Adam with an L2 penalty in the gradient: PyTorch's `Adam(weight_decay=…, eps=1e-7)`.

    Each gradient g becomes g + l2 · w before Adam scales it (arXiv 1711.05101, algorithm 2, the
    pink term), for every weight, biases and norms among them. AdamW decays beside the gradient.

    Args:
        learning_rate: a number or a schedule.
        l2: factor of the weights in the gradient, 0 or more.
        name: of the optimizer.
        **kwargs: as in `keras.optimizers.Adam`.
    """

    def __init__(self, learning_rate=1e-3, l2=0.0, name="adam_l2", **kwargs):
        super().__init__(learning_rate, name=name, **kwargs)
        if l2 < 0:
            raise ValueError(f"`l2` must be 0 or more. Received: {l2}")
        self.l2 = l2

    def update_step(self, gradient, variable, learning_rate):
        gradient = keras.ops.cast(gradient, variable.dtype) + self.l2 * variable
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}
