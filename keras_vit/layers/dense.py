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
        x: `(..., D)`.
        kernel: `(D, units)`.
        bias: `(units,)` or None.
    """
    kind = keras.backend.standardize_dtype(x.dtype)
    if keras.backend.backend() == "torch" and kind == "float32":
        from keras_vit.layers import dense_torch  # imports PyTorch

        return dense_torch.affine(x, *map(tensor_of, (kernel, bias)))
    y = ops.matmul(x, kernel)
    return y if bias is None else ops.add(y, bias)


def tensor_of(variable):
    return None if variable is None else ops.convert_to_tensor(variable)
