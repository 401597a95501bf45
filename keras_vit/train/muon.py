"""The optimizer Muon for models that compute queries, keys and values by one matrix."""

import keras
from keras import ops

from keras_vit.backend.keras_private import MuonHooks

PARTS = 3  # a `qkv` kernel holds the kernels of queries, keys and values side by side
PRODUCTS = ("float32", "bfloat16")


@keras.saving.register_keras_serializable(package="keras_vit")
class SplitMuon(MuonHooks, keras.optimizers.Muon):
    """Keras's Muon, which treats the three matrices in a `qkv` kernel one by one.

    Muon replaces the momentum of a matrix by the nearest orthogonal matrix
    (github.com/KellerJordan/Muon). For the kernels of queries, keys and values side by side this is
    another matrix than for each of the three alone. The size of Muon's steps is that of AdamW's
    (arXiv 2502.16982, equation 4), so that the same learning rate and decay fit both. AdamW trains
    all weights that are not kernels, and the layers that `exclude_layers` names.

    With `convolution_rate`, Muon trains the kernels of convolutions too. A kernel `(k, k, C, F)` is
    then one matrix of k·k·C rows. Its norm is set to √F before each step, so that the rate says how
    far a step turns it, and a decay of it has no effect (Keller Jordan, airbench94_muon.py of
    github.com/KellerJordan/cifar10-airbench).

    On PyTorch, `muon_torch` updates all weights together instead of one by one.

    Args:
        *args: arguments of `keras.optimizers.Muon`.
        products: "float32" or "bfloat16" (as Muon's authors use), type of the matrix products that
            find the orthogonal matrix. Default: "float32".
        convolution_rate: float above 0 or None, the length of a step of a convolution's kernel as a
            multiple of the learning rate and of the kernel's norm. None: AdamW trains these
            kernels. Default: None.
        **kwargs: arguments of `keras.optimizers.Muon`.

    Raises:
        ValueError: if `products` is unknown, or if `convolution_rate` is not above 0.
    """

    def __init__(
        self,
        *args,
        products: str = "float32",
        convolution_rate: float | None = None,
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        if products not in PRODUCTS:
            raise ValueError(
                f"`products` must be one of {PRODUCTS}. Received: products={products!r}"
            )
        if convolution_rate is not None and not convolution_rate > 0:
            raise ValueError(
                "`convolution_rate` must be above 0 or None. "
                f"Received: convolution_rate={convolution_rate}"
            )
        self.products = products
        self.convolution_rate = convolution_rate

    def zeropower_via_newtonschulz5(self, x, steps: int):
        """Find the orthogonal matrix nearest to `x`, with products in the chosen type."""
        nearest = super().zeropower_via_newtonschulz5(ops.cast(x, self.products), steps)
        return ops.cast(nearest, x.dtype)

    def uses_adamw(self, variable: keras.Variable) -> bool:
        """Return whether AdamW trains a variable."""
        if variable.name != "kernel":
            return True
        if len(variable.shape) == 4:
            return self.convolution_rate is None or self.is_excluded(variable)
        return super().uses_adamw(variable)

    def build(self, var_list) -> None:
        super().build(var_list)
        # The places are stored, because a step receives TensorFlow's own variables, which have no
        # path.
        qkv = [v for v in var_list if v.path.endswith("qkv/kernel")]
        self._split_places = {self.index_of(v) for v in qkv}

    def parts_of(self, place: int) -> int:
        """Return the number of matrices side by side in the variable at a place of `var_list`."""
        return PARTS if place in self._split_places else 1

    def update_all(self, gradients, variables, learning_rate) -> None:
        """Update all variables by one step."""
        if keras.backend.backend() == "torch":
            from keras_vit.backend import muon_torch  # imports PyTorch

            muon_torch.update(self, gradients, variables, learning_rate)
        else:
            super().update_all(gradients, variables, learning_rate)

    def decay_weights(self, variables) -> None:
        """Apply weight decay to variables."""
        if keras.backend.backend() == "torch":
            from keras_vit.backend import muon_torch

            muon_torch.decay(self, variables)
        else:
            super().decay_weights(variables)

    def update_matrix(self, gradient, variable, learning_rate, momentum) -> None:
        """Update one kernel by Muon, a `qkv` kernel as three matrices."""
        if len(variable.shape) == 4:
            self.update_convolution(gradient, variable, learning_rate, momentum)
            return
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
        # `lr_adjust` reads the shape from the first two axes, so these must be those of one part.
        update = self.lr_adjust(learning_rate * ops.transpose(update, (1, 2, 0)))
        update = ops.reshape(ops.transpose(update, (0, 2, 1)), (rows, columns))
        self.assign_sub(variable, update)

    def update_convolution(self, gradient, variable, learning_rate, momentum) -> None:
        """Update the kernel of one convolution by Muon."""
        self.assign_add(momentum, ops.add(gradient, momentum * (self.momentum - 1)))
        direction = momentum
        if self.nesterov:
            direction = ops.add(gradient, self.momentum * momentum)
        filters = variable.shape[-1]
        matrix = ops.reshape(direction, (-1, filters))
        update = self.zeropower_via_newtonschulz5(matrix, self.ns_steps)
        update = ops.reshape(update, variable.shape) * (learning_rate * self.convolution_rate)
        kernel = ops.convert_to_tensor(variable)
        norm = ops.sqrt(ops.sum(ops.square(kernel)))
        self.assign(variable, kernel * (filters**0.5 / norm) - update)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "products": self.products,
            "convolution_rate": self.convolution_rate,
        }
