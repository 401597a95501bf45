"""Low-rank adaptation: Keras's own, in a Vision Transformer, and in checkpoints."""

import keras
from keras import ops

from keras_vit.backend.keras_private import base_kernel, flatten_layers

TUNED = ("attention/qkv", "attention/projection")


def add_lora(model: keras.Model, rank: int) -> list[keras.layers.Dense]:
    """Adds Keras's low-rank factors to every attention's `qkv` and `projection`.

    Attention weights alone, as in the paper (arXiv 2106.09685, section 4.2); all else but the
    factors and the head is frozen.

    Args:
        model: a built `ViT` or `HybridViT`.
        rank: of the factors, 1 or more.

    Returns:
        The layers that have factors now.

    Raises:
        ValueError: for a rank below 1, or a model without such layers.
    """
    if rank < 1:
        raise ValueError(f"`rank` must be 1 or more. Received: {rank}")
    freeze_body(model)
    layers = [
        layer
        for layer in flatten_layers(model)
        if isinstance(layer, keras.layers.Dense) and layer.path.endswith(TUNED)
    ]
    if not layers:
        raise ValueError(f"The model has no attention layers for LoRA: {model!r}")
    for layer in layers:
        layer.enable_lora(rank)
    return layers


def freeze_body(model: keras.Model) -> None:
    """Leaves the head alone to be trained.

    Variable by variable: a layer's own `trainable=False` would go into the model's file, and the
    user who loads it would train less than the whole model unawares.
    """
    for variable in model.trainable_variables:
        variable.trainable = variable.path.startswith("head/")


def without_lora(model: keras.Model) -> keras.Model:
    """The model with its low-rank factors merged into plain kernels; itself where it has none."""
    tuned = {f"{layer.path}/kernel": merged_kernel(layer) for layer in lora_layers(model)}
    if not tuned:
        return model
    plain = type(model).from_config(model.get_config())
    trained = {v.path: v for v in model.weights} | tuned
    for variable in plain.weights:
        # Not the tensor itself: JAX gives a model's buffers away when that model runs.
        variable.assign(ops.convert_to_numpy(trained[variable.path]))
    return plain


def merged_kernel(layer):
    """Base kernel and factors of a Dense layer in one, in its variables' type.

    The layer's own `kernel` is in the type that it computes in, such as bfloat16.
    """
    factors = ops.matmul(layer.lora_kernel_a.value, layer.lora_kernel_b.value)
    return base_kernel(layer) + layer.lora_alpha / layer.lora_rank * factors


def lora_layers(model):
    return [layer for layer in flatten_layers(model) if getattr(layer, "lora_enabled", False)]


class LoraState(keras.layers.Layer):
    """Puts base kernels and low-rank factors into a checkpoint beside the model's weights.

    Keras's Dense saves the merged kernel alone, and sets both factors to zero when it loads: then
    the gradient of each is zero and training stands still. Keras walks through a model's
    attributes in alphabetical order, so this one must come after the model with the layers.

    Args:
        layers: the Dense layers with LoRA.
    """

    def __init__(self, layers):
        super().__init__(name="lora_state")
        self.layers = layers
        self.built = True

    def save_own_variables(self, store):
        for i, variable in enumerate(self._kept()):
            store[str(i)] = variable

    def load_own_variables(self, store):
        for i, variable in enumerate(self._kept()):
            variable.assign(store[str(i)])

    def _kept(self):
        return [v for layer in self.layers for v in layer.variables]
