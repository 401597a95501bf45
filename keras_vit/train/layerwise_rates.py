"""Optimizers with another learning rate for each variable."""

import re

import keras

from keras_vit.backend.keras_private import OptimizerHooks


def layerwise_rates(model: keras.Model, decay: float) -> dict[str, float]:
    """Compute the factors of the learning rate for layer-wise learning-rate decay.

    Source: the code of BEiT (arXiv 2106.08254, appendix) and of MAE (arXiv 2111.06377, table 9).
    The factor is `decay ** (depth + 1 - layer)`. The layer is 0 for patches, tokens and positions,
    i + 1 for block i, and depth + 1 for the last norm and the head. timm differs: there the last
    norm belongs to the last block.

    Args:
        model: a `ViT` or `HybridViT`, whose blocks are named `block_0`, `block_1` and so on.
        decay: float in (0, 1], factor from each layer to the one before it. With 1 all layers have
            the same rate.

    Returns:
        A dict from `variable.path` to a factor in (0, 1].

    Raises:
        ValueError: if the decay is outside its range or the model has no blocks.
    """
    if not 0 < decay <= 1:
        raise ValueError(f"`decay` must be above 0 and at most 1. Received: decay={decay}")
    depth = 1 + max((block_index(v.path) for v in model.trainable_variables), default=-1)
    if not depth:
        raise ValueError(
            f"Layer-wise rates need a model with Transformer blocks. Received: {model!r}"
        )
    return {
        v.path: decay ** (depth + 1 - layer_index(v.path, depth)) for v in model.trainable_variables
    }


def layer_index(path: str, depth: int) -> int:
    """Return a variable's layer: 0 before the blocks, i + 1 in block i, depth + 1 behind them."""
    if re.match(r"(norm|fc_norm|pre_logits|head)/", path):
        return depth + 1
    return block_index(path) + 1


def block_index(path: str) -> int:
    """Return the i of `block_i` in a variable's path, or -1 outside the blocks."""
    block = re.match(r"block_(\d+)/", path)
    return int(block[1]) if block else -1


class LayerwiseRates(OptimizerHooks):
    """Mixin for an optimizer that multiplies the learning rate by a factor for each variable.

    The factor applies to the update and to the decay, and not to the gradient: Adam's update does
    not change if its gradient is scaled.

    Args:
        *args: arguments of the optimizer.
        rates: dict from `variable.path` to a factor of the learning rate, or None. A path that is
            not in the dict has the factor 1. The config of the optimizer holds the rates, so that a
            saved optimizer keeps them. Default: None.
        **kwargs: arguments of the optimizer.
    """

    def __init__(self, *args, rates: dict[str, float] | None = None, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.rates = dict(rates or {})
        self._decay = self.weight_decay

    def build(self, variables) -> None:
        super().build(variables)
        # The rates are stored by index, because `update_step` receives TensorFlow's own variables,
        # which have other paths.
        self._rates = [self.rates.get(v.path, 1.0) for v in variables]

    def update_step(self, gradient, variable, learning_rate) -> None:
        rate = self._rates[self.index_of(variable)]
        super().update_step(gradient, variable, learning_rate * rate)

    def decay_weights(self, variables) -> None:
        """Apply Keras's decay to one variable after the other, each with its own factor."""
        if self._decay is None:
            return
        for variable in variables:
            # Keras's decay on PyTorch fails if none of its variables has weight decay.
            if self.has_weight_decay(variable):
                # Keras's decay reads `self.weight_decay`. The value is computed from the one that
                # the constructor received, because another replica of a TensorFlow strategy may
                # change the attribute at the same time.
                self.weight_decay = self._decay * self._rates[self.index_of(variable)]
                super().decay_weights([variable])
        self.weight_decay = self._decay

    def get_config(self) -> dict:
        return {**super().get_config(), "rates": self.rates}


@keras.saving.register_keras_serializable(package="keras_vit")
class LayerwiseAdamW(LayerwiseRates, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` with a learning rate for each variable (see `LayerwiseRates`)."""


@keras.saving.register_keras_serializable(package="keras_vit")
class LayerwiseSGD(LayerwiseRates, keras.optimizers.SGD):
    """`keras.optimizers.SGD` with a learning rate for each variable (see `LayerwiseRates`)."""
