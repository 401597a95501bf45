"""Blocks that are computed again in the backward pass instead of kept."""

import keras
from keras import ops

MOST_BLOCKS = 512


def remat_scope() -> keras.RematScope:
    """The scope to build a model in whose blocks are to be computed again (arXiv 1604.06174).

    The backward pass then needs the memory of one block's insides instead of all blocks', and
    each block's forward pass twice.
    """
    names = [f"block_{i}" for i in range(MOST_BLOCKS)]
    return keras.RematScope(mode="list_of_layers", layer_names=names)


def rematerialized(layer, call):
    """A layer's `call` whose insides are computed again in training.

    Keras 3.15's own way hands `call` as it is to `tf.recompute_grad` and `jax.checkpoint`. Those
    take tensors alone, not `training=True`, and a random layer inside would draw another mask the
    second time. Here the weights go in as tensors, and the seed generators stand still inside.

    Args:
        layer: whose random layers each draw once a call.
        call: its `call(x, training=None, num_queries=None, **kwargs)`, of a tensor.
    """

    def recomputed(x, training=None, num_queries=None, **kwargs):
        if not training or any(
            value is not None and value is not False for value in kwargs.values()
        ):
            return call(x, training=training, num_queries=num_queries, **kwargs)
        weights = [v for v in layer.variables if not is_seed(v)]
        # Copies: PyTorch assigns in place, before the backward pass.
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


def is_seed(variable):
    return variable.name.endswith("seed_generator_state")
