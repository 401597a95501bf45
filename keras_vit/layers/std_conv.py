import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class StdConv2D(keras.layers.Conv2D):
    """A convolution whose kernel is standardised whenever it is used (arXiv 1903.10520).

    Every output channel's weights have their mean taken off and are divided by their standard
    deviation plus `epsilon`, as in google-research/vision_transformer. timm adds its epsilon to
    the variance instead: the same but for weights near zero. Always in float32.

    Args:
        *args: as in `keras.layers.Conv2D`.
        epsilon: added to the standard deviation.
        **kwargs: as in `keras.layers.Conv2D`.

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, H', W', filters)`.
    """

    def __init__(self, *args, epsilon=1e-5, **kwargs):
        super().__init__(*args, **kwargs)
        self.epsilon = epsilon

    def add_weight(self, *args, name=None, autocast=True, **kwargs):
        # Read without a cast: a mean of squares in half precision would lose too much.
        autocast = autocast and name != "kernel"
        return super().add_weight(*args, name=name, autocast=autocast, **kwargs)

    def convolution_op(self, inputs, kernel):
        kernel = ops.convert_to_tensor(kernel)
        kernel = kernel - ops.mean(kernel, axis=(0, 1, 2))
        kernel = kernel / (ops.std(kernel, axis=(0, 1, 2)) + self.epsilon)
        return super().convolution_op(inputs, ops.cast(kernel, inputs.dtype))

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
