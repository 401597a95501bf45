"""Muon for models whose queries, keys and values come from one matrix."""

import keras
from keras import ops

from keras_vit.backend.keras_private import MuonHooks

PARTS = 3
PRODUCTS = ("float32", "bfloat16")


@keras.saving.register_keras_serializable(package="keras_vit")
class SplitMuon(MuonHooks, keras.optimizers.Muon):
    """Keras's Muon that takes the three matrices of a `qkv` kernel apart.

    Muon replaces a matrix's momentum by the nearest orthogonal one (github.com/KellerJordan/Muon);
    of queries, keys and values side by side that is another matrix than theirs one by one. Its
    steps are scaled to AdamW's (arXiv 2502.16982, equation 4), so rate and decay are AdamW's too.
    All but kernels are left to AdamW, and the layers that `exclude_layers` names.

    On PyTorch all weights take the step together, in `muon_torch`, not each in `update_step`.

    Args:
        products: "float32", or "bfloat16" as Muon's authors have it: what the iteration that finds
            the orthogonal matrix multiplies in.
        **kwargs: those of `keras.optimizers.Muon`.

    Raises:
        ValueError: for other `products`.
    """

    def __init__(self, *args, products="float32", **kwargs):
        super().__init__(*args, **kwargs)
        if products not in PRODUCTS:
            raise ValueError(f"`products` must be one of {PRODUCTS}. Received: {products!r}")
        self.products = products

    def zeropower_via_newtonschulz5(self, x, steps):
        nearest = super().zeropower_via_newtonschulz5(ops.cast(x, self.products), steps)
        return ops.cast(nearest, x.dtype)

    def uses_adamw(self, variable):
        return variable.name != "kernel" or super().uses_adamw(variable)

    def build(self, var_list):
        super().build(var_list)
        # A step sees TensorFlow's own variables, which have no path.
        qkv = [v for v in var_list if v.path.endswith("qkv/kernel")]
        self._taken_apart = {self.index_of(v) for v in qkv}

    def parts_of(self, place):
        """How many matrices stand side by side in the variable at this place of `var_list`."""
        return PARTS if place in self._taken_apart else 1

    def update_all(self, gradients, variables, learning_rate):
        if keras.backend.backend() == "torch":
            from keras_vit.backend import muon_torch  # imports PyTorch

            muon_torch.update(self, gradients, variables, learning_rate)
        else:
            super().update_all(gradients, variables, learning_rate)

    def decay_weights(self, variables):
        if keras.backend.backend() == "torch":
            from keras_vit.backend import muon_torch

            muon_torch.decay(self, variables)
        else:
            super().decay_weights(variables)

    def update_matrix(self, gradient, variable, learning_rate, momentum):
        if self.parts_of(self.index_of(variable)) == 1:
            super().update_matrix(gradient, variable, learning_rate, momentum)
            return
        self.assign_add(momentum, ops.add(gradient, momentum * (self.momentum - 1)))
        direction = momentum
        if self.nesterov:
            direction = ops.add(gradient, self.momentum * momentum)
        rows, columns = variable.shape
        parts = ops.reshape(direction, (rows, PARTS, columns // PARTS))
        update = self.zeropower_via_newtonschulz5(ops.transpose(parts, (1, 0, 2)), self.ns_steps)
        # `lr_adjust` looks at the first two axes: a part's, with the parts behind them.
        update = self.lr_adjust(learning_rate * ops.transpose(update, (1, 2, 0)))
        update = ops.reshape(ops.transpose(update, (0, 2, 1)), (rows, columns))
        self.assign_sub(variable, update)

    def get_config(self):
        return {**super().get_config(), "products": self.products}
