"""Several training steps in one compiled call, on JAX."""

from functools import partial
from itertools import islice

import jax
import jax.numpy as jnp


def scanned_steps(train_step, count, one_by_one):
    """What `fit` calls on JAX for each `count` steps.

    Keras calls its compiled step for each of them, and each of these calls hands over every
    weight and moment one by one: milliseconds, where a small model's step takes one on a GPU.

    Args:
        train_step: of a Keras model, `(state, batch)` to `(logs, state)`, not compiled.
        count: batches to take from the iterator in a call; an epoch's last call may have fewer.
        one_by_one: Keras's own function, for a call whose last batch is smaller than the others.

    Returns:
        A function of the state, which it uses up, and an iterator over batches, to the logs of
        the last step and the state.
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
