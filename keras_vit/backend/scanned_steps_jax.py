"""Several training steps in one compiled call, on JAX."""

from collections.abc import Callable
from functools import partial
from itertools import islice

import jax
import jax.numpy as jnp


def scanned_steps(train_step: Callable, count: int, one_by_one: Callable) -> Callable:
    """Make the function that `fit` calls on JAX for a number of steps.

    Keras calls its compiled step once for each step. Each call passes every weight and every moment
    of the optimizer one by one. This takes milliseconds, while the step of a small model takes one
    millisecond on a GPU.

    Args:
        train_step: function of a Keras model from `(state, batch)` to `(logs, state)`, not
            compiled.
        count: int, number of batches of a call. The last call of an epoch may have fewer.
        one_by_one: Keras's own function, for a call whose last batch is smaller than the others.

    Returns:
        A function of the state and an iterator over batches, which returns the logs of the last
        step and the new state. The old state can't be used afterwards, because its memory is
        reused.
    """

    def step(state, batch):
        logs, state = train_step(state, batch)
        return state, logs

    @partial(jax.jit, donate_argnums=0)
    def steps(state, batches):
        batches = jax.tree.map(lambda *parts: jnp.stack(parts), *batches)
        state, logs = jax.lax.scan(step, state, batches)
        return jax.tree.map(lambda values: values[-1], logs), state

    def call(state, iterator):
        batches = list(islice(iterator, count))
        if not batches:
            raise StopIteration
        shapes = [[part.shape for part in jax.tree.leaves(batch)] for batch in batches]
        if any(other != shapes[0] for other in shapes):
            return one_by_one(state, iter(batches))
        return steps(state, batches)

    return call
