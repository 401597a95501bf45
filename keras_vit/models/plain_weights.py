"""Whether a model's variables are its weights."""

from keras_vit.backend.keras_private import flatten_layers


def check_plain_weights(model):
    """A ValueError where they are quantised, or low-rank factors stand beside them.

    Such variables have the paths of plain weights, and could be taken for them.
    """
    layers = flatten_layers(model)
    if any(getattr(layer, "quantization_mode", None) for layer in layers):
        raise ValueError("A quantised model's weights are not its own; take the one before that.")
    if any(getattr(layer, "lora_enabled", False) for layer in layers):
        raise ValueError(
            "Low-rank factors are not in the model's kernels; take "
            "keras_vit.train.lora.without_lora(model)."
        )
