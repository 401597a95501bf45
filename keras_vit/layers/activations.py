"""GELU by the hyperbolic tangent, and exact GELU whose gradient needs less memory on XLA."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
def gelu_tanh(x):
    """Apply GELU in its approximation by the hyperbolic tangent.

    Google's Transformers use this form. Keras's "gelu" is the exact function; the two differ by at
    most 4.7e-4. Source: arXiv 1606.08415, section 2.

    Args:
        x: float tensor of any shape.

    Returns:
        Tensor of the shape and type of `x`.
    """
    return ops.gelu(x, approximate=True)


def with_lean_gradient(activation: Callable) -> Callable:
    """Replace Keras's exact GELU by `gelu`, whose gradient needs less memory on XLA.

    XLA differentiates GELU operation by operation, and that gradient keeps three tensors of the
    input's size for the backward pass. The gradient of `gelu` keeps the input alone. PyTorch does
    not need the replacement, because it has a kernel for GELU and its gradient. On JAX, `gelu` has
    no forward-mode derivative (`jax.jvp`), as no function with a custom gradient has one.

    Args:
        activation: function, the activation of a layer.

    Returns:
        `gelu` where `activation` is `keras.activations.gelu` and the backend is TensorFlow or JAX;
        otherwise `activation` itself.
    """
    on_xla = keras.backend.backend() in ("tensorflow", "jax")
    return gelu if activation is keras.activations.gelu and on_xla else activation


def gelu(x):
    """Apply the exact GELU: `x` times the standard normal distribution function at `x`.

    Source: arXiv 1606.08415, section 2.

    Args:
        x: float tensor of any shape.

    Returns:
        Tensor of the shape and type of `x`.
    """

    @ops.custom_gradient
    def forward(x):
        def gradient(upstream):
            # The error function is taken of -x. XLA would recognise erf(x) as a value that the
            # forward pass computed, and would keep that value in memory until here.
            distribution = 0.5 - 0.5 * ops.erf(x * -(0.5**0.5))
            density = ops.exp(x * x * -0.5) * (2 * np.pi) ** -0.5
            return upstream * (distribution + x * density)

        return keras.activations.gelu(x), gradient

    return forward(x)
