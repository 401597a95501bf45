"""Every private name of Keras that this package uses, behind a public name of ours.

Nothing public does the same in Keras 3.15. `tests/backend/test_keras_private.py` checks each name
against the installed Keras and states the versions for which it was checked.
"""

import re

import keras

# Only this private class lets a layer run in `tf.data` under JAX or PyTorch: there its `__call__`
# switches `self.backend` to TensorFlow.
from keras.src.layers.preprocessing.data_layer import DataLayer
from keras.src.utils.jax_utils import is_in_jax_tracing_scope

__all__ = [
    "MuonHooks",
    "OptimizerHooks",
    "TfDataLayer",
    "base_kernel",
    "distribute_strategy_of",
    "flatten_layers",
    "is_in_jax_tracing_scope",
    "made_by",
    "remove_layout",
]


def flatten_layers(layer: keras.Layer, include_self: bool = True) -> list[keras.Layer]:
    """Return a layer with all layers inside it, at any depth.

    `keras.Model.layers` holds only the first level, and a layer has no such public list.
    """
    return list(layer._flatten_layers(include_self=include_self))


def made_by(tensor: keras.KerasTensor) -> tuple[keras.Operation, list]:
    """Return the layer or operation that makes a tensor of a graph, and the tensors it takes."""
    operation, node_index, _ = tensor._keras_history
    return operation, list(operation._inbound_nodes[node_index].input_tensors)


def distribute_strategy_of(model: keras.Model):
    """Return the `tf.distribute` strategy that a model was made in, or None. TensorFlow only."""
    return model._distribute_strategy


def remove_layout(variable: keras.Variable) -> None:
    """Forget how a variable is split over devices, so that its next value stays on one device."""
    variable._layout = None


def base_kernel(layer: keras.layers.Dense):
    """Return the kernel of a Dense layer without its low-rank factors, in its own dtype.

    `layer.kernel` adds the factors and has the dtype that the layer computes in.
    """
    return layer._kernel.value


class TfDataLayer(DataLayer):
    """Keras's own base of the layers that also run in `tf.data` on every backend."""

    def backend_seed(self):
        """Return the seed generator for the backend that computes right now."""
        return self._get_seed_generator(self.backend.name)


class OptimizerHooks:
    """Mixin in front of a Keras optimizer: public names for the steps that Keras keeps private.

    A subclass overrides `update_all` or `decay_weights` and calls the same method of `super()`
    for what Keras does.
    """

    def index_of(self, variable: keras.Variable) -> int:
        """Return the place of a variable in the list that the optimizer was built with."""
        return self._get_variable_index(variable)

    def has_weight_decay(self, variable: keras.Variable) -> bool:
        """Return whether weight decay applies to a variable."""
        return self._use_weight_decay(variable)

    def update_all(self, gradients, variables, learning_rate):
        """Update all variables, one step."""
        super()._backend_update_step(gradients, variables, learning_rate)

    def decay_weights(self, variables):
        """Apply weight decay to variables."""
        super()._apply_weight_decay(variables)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        self.update_all(grads, trainable_variables, learning_rate)

    def _apply_weight_decay(self, variables):
        self.decay_weights(variables)


class MuonHooks(OptimizerHooks):
    """`OptimizerHooks` for Keras's Muon, which has two more private steps."""

    def uses_adamw(self, variable: keras.Variable) -> bool:
        """Return whether Muon leaves a variable to AdamW."""
        return super()._should_use_adamw(variable)

    def is_excluded(self, variable: keras.Variable) -> bool:
        """Return whether `exclude_layers` names the layer of a variable."""
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def update_matrix(self, gradient, variable, learning_rate, momentum):
        """Update one variable by Muon's orthogonalised step."""
        super()._muon_update_step(gradient, variable, learning_rate, momentum)

    def _should_use_adamw(self, variable):
        return self.uses_adamw(variable)

    def _muon_update_step(self, gradient, variable, lr, m):
        self.update_matrix(gradient, variable, lr, m)
