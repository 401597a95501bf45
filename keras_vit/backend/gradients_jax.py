"""Gradients by JAX."""

import jax


def gradients(function, tensors):
    return list(jax.grad(function, argnums=tuple(range(len(tensors))))(*tensors))
