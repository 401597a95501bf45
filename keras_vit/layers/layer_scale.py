"""A learned factor for each channel of a residual branch."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class LayerScale(keras.layers.Layer):
    """Multiply each channel of a residual branch by a learned factor.

    Source: CaiT, arXiv 2103.17239, section 2.

    Args:
        initial_value: float, the value of every factor before training. The paper uses 1e-1 to
            1e-6, and the smaller values for the deeper models. Default: 1e-5.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        x: float tensor `(B, T, D)`.

    Input shape: `(B, T, D)`.

    Output shape: `(B, T, D)`.
    """

    def __init__(self, initial_value: float = 1e-5, **kwargs) -> None:
        super().__init__(**kwargs)
        self.initial_value = initial_value

    def build(self, input_shape: tuple) -> None:
        self.gamma = self.add_weight(
            shape=(input_shape[-1],),
            initializer=keras.initializers.Constant(self.initial_value),
            name="gamma",
        )

    def call(self, x):
        return x * ops.cast(self.gamma, x.dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "initial_value": self.initial_value}
