"""Low-rank adaptation (LoRA) of a Vision Transformer, and its state in checkpoints."""

import keras
from keras import ops

from keras_vit.backend.keras_private import base_kernel, flatten_layers

TUNED = ("attention/qkv", "attention/projection")


def add_lora(model: keras.Model, rank: int) -> list[keras.layers.Dense]:
    """Add Keras's low-rank factors to the layers `qkv` and `projection` of every attention.

    Source: arXiv 2106.09685, section 4.2, which also adapts only the attention. Afterwards only the
    factors and the head are trained.

    Args:
        model: a built `ViT` or `HybridViT`.
        rank: int, 1 or more, rank of the factors.

    Returns:
        A list of the layers that have low-rank factors.

    Raises:
        ValueError: if the rank is below 1 or the model has no such layers.
    """
    if rank < 1:
        raise ValueError(f"`rank` must be 1 or more. Received: rank={rank}")
    freeze_body(model)
    layers = [
        layer
        for layer in flatten_layers(model)
        if isinstance(layer, keras.layers.Dense) and layer.path.endswith(TUNED)
    ]
    if not layers:
        raise ValueError(
            f"LoRA needs a model with attention layers `qkv` and `projection`. Received: {model!r}"
        )
    for layer in layers:
        layer.enable_lora(rank)
    return layers


def freeze_body(model: keras.Model) -> None:
    """Freeze all variables of a model but those of the head.

    The function freezes variables and not layers. A model's file stores which layers are frozen, so
    that a user who loads the model would train only a part of it without knowing.

    Args:
        model: a model with a layer named `head`.
    """
    for variable in model.trainable_variables:
        variable.trainable = variable.path.startswith("head/")


def without_lora(model: keras.Model) -> keras.Model:
    """Return a new model with the low-rank factors merged into the kernels.

    Args:
        model: a `ViT` or `HybridViT`.

    Returns:
        The new model, or the model itself if it has no low-rank factors.
    """
    tuned = {f"{layer.path}/kernel": merged_kernel(layer) for layer in lora_layers(model)}
    if not tuned:
        return model
    plain = type(model).from_config(model.get_config())
    trained = {v.path: v for v in model.weights} | tuned
    for variable in plain.weights:
        # The value is copied, because JAX may reuse the memory of the old model's tensor when the
        # old model trains.
        variable.assign(ops.convert_to_numpy(trained[variable.path]))
    return plain


def merged_kernel(layer: keras.layers.Dense):
    """Return the sum of a Dense layer's base kernel and its low-rank update.

    The result has the type of the layer's variables. The layer's own `kernel` has the type in which
    the layer computes, such as bfloat16.
    """
    factors = ops.matmul(layer.lora_kernel_a.value, layer.lora_kernel_b.value)
    return base_kernel(layer) + layer.lora_alpha / layer.lora_rank * factors


def lora_layers(model: keras.Model) -> list[keras.layers.Dense]:
    """Return the layers of a model that have low-rank factors."""
    return [layer for layer in flatten_layers(model) if getattr(layer, "lora_enabled", False)]


class LoraState(keras.layers.Layer):
    """A layer that saves base kernels and low-rank factors beside the model's weights.

    Keras's Dense saves only the merged kernel, and sets both factors to zero when it is loaded.
    With both at zero the gradient of each is zero, and training makes no progress. Keras loads the
    attributes of a model in alphabetical order, so the name of the attribute that holds this layer
    must come after the name of the attribute that holds the Dense layers.

    Args:
        layers: list of the Dense layers with low-rank factors.
    """

    def __init__(self, layers: list[keras.layers.Dense]) -> None:
        super().__init__(name="lora_state")
        self.layers = layers
        self.built = True

    def save_own_variables(self, store) -> None:
        for i, variable in enumerate(self._saved_variables()):
            store[str(i)] = variable

    def load_own_variables(self, store) -> None:
        for i, variable in enumerate(self._saved_variables()):
            variable.assign(store[str(i)])

    def _saved_variables(self):
        return [v for layer in self.layers for v in layer.variables]
