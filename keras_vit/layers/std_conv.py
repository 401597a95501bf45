"""A convolution with weight standardisation."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class StdConv2D(keras.layers.Conv2D):
    """A convolution whose kernel is standardised at every use.

    The weights of each output channel are reduced by their mean and divided by the sum of their
    standard deviation and `epsilon`, as in google-research/vision_transformer. timm adds its
    epsilon to the variance instead; the two differ only where all weights are close to zero. The
    standardisation is computed in float32 under any dtype policy. Source: arXiv 1903.10520.

    Args:
        *args: positional arguments of `keras.layers.Conv2D`.
        epsilon: float, added to the standard deviation. Default: 1e-5.
        **kwargs: keyword arguments of `keras.layers.Conv2D`.

    Call arguments:
        inputs: float tensor `(B, H, W, C)`.

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, H', W', filters)`, as in `keras.layers.Conv2D`.
    """

    def __init__(self, *args, epsilon: float = 1e-5, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.epsilon = epsilon

    def add_weight(
        self, *args, name: str | None = None, autocast: bool = True, **kwargs
    ) -> keras.Variable:
        # The kernel is read as float32, because a mean of squares in half precision would lose too
        # many digits.
        autocast = autocast and name != "kernel"
        return super().add_weight(*args, name=name, autocast=autocast, **kwargs)

    def convolution_op(self, inputs, kernel):
        kernel = ops.convert_to_tensor(kernel)
        kernel = kernel - ops.mean(kernel, axis=(0, 1, 2))
        kernel = kernel / (ops.std(kernel, axis=(0, 1, 2)) + self.epsilon)
        return super().convolution_op(inputs, ops.cast(kernel, inputs.dtype))

    def get_config(self) -> dict:
        return {**super().get_config(), "epsilon": self.epsilon}
