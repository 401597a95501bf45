import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class LayerNormalization(keras.layers.LayerNormalization):
    """Keras's, over the last axis, with a backward pass of its own on TensorFlow and JAX.

    arXiv 1607.06450. The same function and gradient. Derived step by step, as XLA gets it from
    Keras's layer, the gradient keeps and writes more tensors of the input's size. PyTorch has a
    kernel for it, which takes halves as they are on a CPU.

    Input shape and output shape: `(..., D)`.
    """

    def build(self, input_shape):
        axis = self.axis[0] if isinstance(self.axis, list) and len(self.axis) == 1 else self.axis
        if axis not in (-1, len(input_shape) - 1) or not (self.center and self.scale):
            raise ValueError(
                "This layer is over the last axis, with centre and scale. "
                f"Received: axis={self.axis}, center={self.center}, scale={self.scale}"
            )
        super().build(input_shape)

    def call(self, inputs):
        # keras.backend.result_type would make float32 of float64 on PyTorch.
        kind = keras.backend.standardize_dtype(inputs.dtype)
        wide = kind if kind == "float64" else "float32"
        # Read here: TensorFlow's custom gradients are of tensors, not of variables.
        gamma, beta = (ops.cast(ops.reshape(v, (-1,)), wide) for v in (self.gamma, self.beta))
        if keras.backend.backend() == "torch":
            from keras_vit.backend import layer_norm_torch

            outputs = layer_norm_torch.layer_norm(inputs, gamma, beta, self.epsilon)
        else:
            outputs = layer_norm(inputs, gamma, beta, self.epsilon)
        return ops.cast(outputs, self.compute_dtype)


def layer_norm(x, gamma, beta, epsilon):
    """Layer normalisation over the last axis, in float32 or more.

    Args:
        x: `(..., D)`, floating.
        gamma: `(D,)`, float32 or more.
        beta: likewise.
        epsilon: added to the variance.

    Returns:
        `(..., D)`, of `gamma`'s type.
    """

    @ops.custom_gradient
    def normalized(x, gamma, beta):
        kind = x.dtype
        centred = ops.cast(x, gamma.dtype)
        mean = ops.mean(centred, axis=-1, keepdims=True)
        centred = centred - mean
        inverse = ops.rsqrt(ops.mean(ops.square(centred), axis=-1, keepdims=True) + epsilon)

        def gradient(upstream):
            # From `x` again: what the forward pass had is let go.
            unit = (ops.cast(x, gamma.dtype) - mean) * inverse
            inner = upstream * gamma
            along = ops.mean(inner * unit, axis=-1, keepdims=True)
            by_x = inverse * (inner - ops.mean(inner, axis=-1, keepdims=True) - unit * along)
            rows = tuple(range(len(x.shape) - 1))
            by_gamma, by_beta = ops.sum(upstream * unit, axis=rows), ops.sum(upstream, axis=rows)
            return ops.cast(by_x, kind), by_gamma, by_beta

        return centred * inverse * gamma + beta, gradient

    return normalized(x, gamma, beta)
