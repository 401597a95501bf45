"""Learning rates that differ from variable to variable, which Keras's optimizers have not."""

import re

import keras

from keras_vit.backend.keras_private import OptimizerHooks


def layerwise_rates(model: keras.Model, decay: float) -> dict[str, float]:
    """Layer-wise learning-rate decay: the factor of the rate for each variable, by its path.

    `decay ** (depth + 1 - layer)`, where the layer is 0 for patches, tokens and positions, i + 1
    for block i, and depth + 1 for the last norm and the head: BEiT (arXiv 2106.08254, appendix)
    and MAE (arXiv 2111.06377, table 9) as coded there. timm counts the last norm to the last block.

    Args:
        model: a `ViT` or `HybridViT`, whose blocks are `block_0` and on.
        decay: above 0, at most 1; 1 trains all layers alike.

    Returns:
        A dict from `variable.path` to a factor in (0, 1].

    Raises:
        ValueError: for a decay out of its range, or a model without blocks.
    """
    if not 0 < decay <= 1:
        raise ValueError(f"`decay` must be above 0 and at most 1. Received: {decay}")
    depth = 1 + max((block_index(v.path) for v in model.trainable_variables), default=-1)
    if not depth:
        raise ValueError(
            f"Layer-wise rates need a model of Transformer blocks. Received: {model!r}"
        )
    return {
        v.path: decay ** (depth + 1 - layer_index(v.path, depth)) for v in model.trainable_variables
    }


def layer_index(path, depth):
    """0 below the blocks, i + 1 in block i, depth + 1 above them."""
    if re.match(r"(norm|fc_norm|pre_logits|head)/", path):
        return depth + 1
    return block_index(path) + 1


def block_index(path):
    """i of `block_i`; -1 outside the blocks."""
    block = re.match(r"block_(\d+)/", path)
    return int(block[1]) if block else -1


class LayerwiseRates(OptimizerHooks):
    """Mixed into an optimizer: scales each variable's update and decay, not its gradient.

    Adam's step does not change when its gradient is scaled, so the rate is what must be.

    Args:
        rates: dict from `variable.path` to a factor of the learning rate; 1 where a path is not
            in it. They are in the config, so a saved optimizer keeps them.
    """

    def __init__(self, *args, rates=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.rates = dict(rates or {})
        self._decay = self.weight_decay

    def build(self, variables):
        super().build(variables)
        # By index: TensorFlow hands its own variables to `update_step`, which have other paths.
        self._rates = [self.rates.get(v.path, 1.0) for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        rate = self._rates[self.index_of(variable)]
        super().update_step(gradient, variable, learning_rate * rate)

    def decay_weights(self, variables):
        """Keras's own decay, one variable after the other; it reads `self.weight_decay`."""
        if self._decay is None:
            return
        for variable in variables:
            if self.has_weight_decay(variable):  # PyTorch's form refuses an empty list
                # From what was given: under a strategy another replica may be in here too.
                self.weight_decay = self._decay * self._rates[self.index_of(variable)]
                super().decay_weights([variable])
        self.weight_decay = self._decay

    def get_config(self):
        return {**super().get_config(), "rates": self.rates}


@keras.saving.register_keras_serializable(package="keras_vit")
class LayerwiseAdamW(LayerwiseRates, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` with a learning rate for each variable, see `LayerwiseRates`."""


@keras.saving.register_keras_serializable(package="keras_vit")
class LayerwiseSGD(LayerwiseRates, keras.optimizers.SGD):
    """`keras.optimizers.SGD` with a learning rate for each variable, see `LayerwiseRates`."""
