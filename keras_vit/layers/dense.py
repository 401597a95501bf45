import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class Dense(keras.layers.Dense):
    """Keras's, with one kernel for product and bias on PyTorch.

    Keras's adds the bias in a pass of its own, into new memory.

    Input shape: `(..., D)`.

    Output shape: `(..., units)`.
    """

    def call(self, inputs, training=None):
        y = affine(inputs, self.kernel, self.bias)
        return y if self.activation is None else self.activation(y)

    def quantize(self, mode=None, type_check=True, config=None):
        # Keras leaves subclasses out, as they may compute something else; this one does not.
        super().quantize(mode, type_check=False, config=config)


def affine(x, kernel, bias):
    """`x @ kernel + bias`.

    Args:
        x: `(..., D)`; of floats, it says what is computed in.
        kernel: `(D, units)`.
        bias: `(units,)` or None.
    """
    is_floating = "float" in keras.backend.standardize_dtype(x.dtype)
    if keras.backend.backend() == "torch" and is_floating:
        from keras_vit.backend import dense_torch  # imports PyTorch

        return dense_torch.affine(x, *(like(x, weight) for weight in (kernel, bias)))
    y = ops.matmul(x, kernel)
    return y if bias is None else ops.add(y, bias)


def like(x, weight):
    """A variable or tensor as a tensor of `x`'s type; None stays None."""
    return None if weight is None else ops.cast(ops.convert_to_tensor(weight), x.dtype)
