"""Blocks that are computed again in the backward pass, so that their insides need no memory."""

from collections.abc import Callable

import keras
from keras import ops

MOST_BLOCKS = 512


def remat_scope() -> keras.RematScope:
    """Return the scope in which to build a model whose blocks are computed again.

    The backward pass then needs the memory of one block's insides instead of all blocks', and every
    block's forward pass runs twice. Source: arXiv 1604.06174.

    Returns:
        A Keras scope, for a `with` statement around the constructor of the model. It holds for the
        layers named `block_0` to `block_511`.
    """
    names = [f"block_{i}" for i in range(MOST_BLOCKS)]
    return keras.RematScope(mode="list_of_layers", layer_names=names)


def rematerialized(layer: keras.layers.Layer, call: Callable) -> Callable:
    """Wrap a layer's `call` so that training computes its insides again in the backward pass.

    Keras 3.15 itself passes `call` unchanged to `tf.recompute_grad` and `jax.checkpoint`. Those
    accept tensors only and not `training=True`, and a random layer inside would draw another mask
    in the second computation. Here the weights are passed as tensors, and the seed generators keep
    their state during both computations.

    Args:
        layer: Keras layer; each random layer inside it draws once in a call.
        call: function, the layer's `call(x, training=None, num_queries=None, **kwargs)` with one
            tensor `x`.

    Returns:
        A function with the arguments and the result of `call`. Where another argument than
        `training` and `num_queries` is given, it computes as `call` does.
    """

    def recomputed(x, training=None, num_queries=None, **kwargs):
        if not training or any(
            value is not None and value is not False for value in kwargs.values()
        ):
            return call(x, training=training, num_queries=num_queries, **kwargs)
        weights = [v for v in layer.variables if not is_seed(v)]
        # The states are copied, because PyTorch changes them in place before the backward pass.
        states = [(v, ops.copy(v.value)) for v in layer.variables if is_seed(v)]

        def pure(x, *values):
            mapping = [*states, *zip(weights, values, strict=True)]
            with keras.StatelessScope(state_mapping=mapping):
                return call(x, training=True, num_queries=num_queries)

        y = keras.remat(pure)(x, *(ops.convert_to_tensor(v) for v in weights))
        for variable, state in states:
            variable.assign(state + ops.convert_to_tensor([0, 1], state.dtype))
        return y

    return recomputed


def is_seed(variable: keras.Variable) -> bool:
    """Return whether a variable is the state of a seed generator.

    Args:
        variable: Keras variable.

    Returns:
        True for the state of a seed generator, False for any other variable.
    """
    return variable.name.endswith("seed_generator_state")
