"""A Dense layer that is faster on PyTorch than Keras's own."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class Dense(keras.layers.Dense):
    """Keras's Dense layer, with one kernel for the product and the bias on PyTorch.

    Keras's layer adds the bias in a second pass, whose result takes new memory. The constructor
    takes the arguments of `keras.layers.Dense`.

    Call arguments:
        inputs: tensor `(..., D)`.
        training: bool or None; has no effect. Default: None.

    Input shape: `(..., D)`.

    Output shape: `(..., units)`.
    """

    def call(self, inputs, training: bool | None = None):
        y = affine(inputs, self.kernel, self.bias)
        return y if self.activation is None else self.activation(y)

    def quantize(self, mode=None, type_check: bool = True, config=None) -> None:
        # Keras refuses to quantise a subclass of Dense, because a subclass may compute something
        # else. This subclass computes the same, so the check of the type is switched off.
        super().quantize(mode, type_check=False, config=config)


def affine(x, kernel, bias):
    """Compute `x @ kernel + bias`.

    Args:
        x: tensor `(..., D)`. Where `x` is of a float type, the computation is in that type.
        kernel: tensor or Keras variable `(D, units)`.
        bias: tensor or Keras variable `(units,)`, or None for no bias.

    Returns:
        Tensor `(..., units)`.
    """
    is_floating = "float" in keras.backend.standardize_dtype(x.dtype)
    if keras.backend.backend() == "torch" and is_floating:
        from keras_vit.backend import dense_torch  # imports PyTorch

        return dense_torch.affine(x, *(_cast_like(x, weight) for weight in (kernel, bias)))
    y = ops.matmul(x, kernel)
    return y if bias is None else ops.add(y, bias)


def _cast_like(x, weight):
    """Return a variable or tensor as a tensor of the type of `x`; None stays None."""
    return None if weight is None else ops.cast(ops.convert_to_tensor(weight), x.dtype)
