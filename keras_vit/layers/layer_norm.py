"""Layer normalisation with a gradient that needs less memory and time than Keras's."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class LayerNormalization(keras.layers.LayerNormalization):
    """Keras's LayerNormalization over the last axis, with a backward pass of its own.

    Values and gradients are those of Keras's layer. On TensorFlow and JAX, XLA differentiates
    Keras's layer operation by operation, and that gradient keeps and writes more tensors of the
    input's size than the one written here. On PyTorch the layer calls PyTorch's own kernel, which
    takes inputs in half precision without a cast on a CPU.

    The constructor takes the arguments of `keras.layers.LayerNormalization`. Source: arXiv
    1607.06450.

    Call arguments:
        inputs: float tensor `(..., D)`.

    Input shape: `(..., D)`.

    Output shape: `(..., D)`.

    Raises:
        ValueError: if the axis is not the last one, or if `center` or `scale` is switched off.
    """

    def build(self, input_shape: tuple) -> None:
        axis = self.axis[0] if isinstance(self.axis, list) and len(self.axis) == 1 else self.axis
        if axis not in (-1, len(input_shape) - 1) or not (self.center and self.scale):
            raise ValueError(
                "`axis` must be the last axis, and `center` and `scale` must be True. "
                f"Received: axis={self.axis}, center={self.center}, scale={self.scale}"
            )
        super().build(input_shape)

    def call(self, inputs):
        # keras.backend.result_type is not used here, because it turns float64 into float32 on
        # PyTorch.
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        wide = dtype if dtype == "float64" else "float32"
        # The variables are read here, because a custom gradient of TensorFlow takes tensors and no
        # variables.
        gamma, beta = (ops.cast(ops.reshape(v, (-1,)), wide) for v in (self.gamma, self.beta))
        if keras.backend.backend() == "torch":
            from keras_vit.backend import layer_norm_torch

            outputs = layer_norm_torch.layer_norm(inputs, gamma, beta, self.epsilon)
        else:
            outputs = layer_norm(inputs, gamma, beta, self.epsilon)
        return ops.cast(outputs, self.compute_dtype)


def layer_norm(x, gamma, beta, epsilon: float):
    """Normalise the last axis, in the type of `gamma`.

    Args:
        x: float tensor `(..., D)`.
        gamma: tensor `(D,)` of float32 or float64, the learned scale.
        beta: tensor `(D,)` of the type of `gamma`, the learned offset.
        epsilon: float, added to the variance.

    Returns:
        Tensor `(..., D)` of the type of `gamma`.
    """

    @ops.custom_gradient
    def forward(x, gamma, beta):
        dtype = x.dtype
        centred = ops.cast(x, gamma.dtype)
        mean = ops.mean(centred, axis=-1, keepdims=True)
        centred = centred - mean
        inverse = ops.rsqrt(ops.mean(ops.square(centred), axis=-1, keepdims=True) + epsilon)

        def gradient(upstream):
            # The normalised values are computed again from `x`, so that the forward pass does not
            # need to keep them.
            normalized = (ops.cast(x, gamma.dtype) - mean) * inverse
            grad_normalized = upstream * gamma
            projection = ops.mean(grad_normalized * normalized, axis=-1, keepdims=True)
            grad_x = inverse * (
                grad_normalized
                - ops.mean(grad_normalized, axis=-1, keepdims=True)
                - normalized * projection
            )
            rows = tuple(range(len(x.shape) - 1))
            grad_gamma = ops.sum(upstream * normalized, axis=rows)
            grad_beta = ops.sum(upstream, axis=rows)
            return ops.cast(grad_x, dtype), grad_gamma, grad_beta

        return centred * inverse * gamma + beta, gradient

    return forward(x, gamma, beta)
