"""What all layers that contain other layers share: their config and the seeds of their parts."""

import keras

from keras_vit.backend.keras_private import flatten_layers


class CompositeLayer(keras.layers.Layer):
    """A layer that contains layers, and whose config holds the dtype policy of each of them.

    `quantize("int8")` gives every Dense layer inside a policy of its own. Keras's config of a layer
    holds only the policy of the layer itself. A quantised layer would therefore come back with
    float parts, and its int8 weights would not fit into them. The config of this class stores the
    policies of the parts too, as a `DTypePolicyMap`.

    Args:
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Output shape: the input shape, unless a subclass says otherwise.
    """

    def get_config(self) -> dict:
        config = super().get_config()
        config["dtype"] = keras.dtype_policies.serialize(policy_with_parts(self, self.dtype_policy))
        return config

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape


def policy_with_parts(layer: keras.layers.Layer, policy):
    """Return the dtype policy that a layer or model needs in its config to come back as it is.

    Args:
        layer: Keras layer or model that contains other layers.
        policy: Keras dtype policy of `layer` itself.

    Returns:
        A `DTypePolicyMap` from `policy` and the policies of the quantised layers inside `layer`;
        `policy` itself where no layer inside is quantised.
    """
    quantized = {
        part.path: part_policy(part)
        for part in flatten_layers(layer, include_self=False)
        if part.quantization_mode is not None
    }
    if not quantized:
        return policy
    default = getattr(policy, "default_policy", policy)
    return keras.dtype_policies.DTypePolicyMap(default, quantized)


def part_policy(layer: keras.layers.Layer):
    """Return the dtype policy of one layer, also where the layer shares a map with other layers.

    Args:
        layer: Keras layer.

    Returns:
        A Keras dtype policy, never a `DTypePolicyMap`.
    """
    policy = layer.dtype_policy
    if isinstance(policy, keras.dtype_policies.DTypePolicyMap):
        return policy[layer.path]
    return policy


def child_seed(seed: int | None, index: int) -> int | None:
    """Derive the seed of one random part, so that no two parts of a layer draw the same mask.

    Args:
        seed: int or None, the seed of the whole layer.
        index: int, a different number for each random part.

    Returns:
        `seed + index`, or None where `seed` is None.
    """
    return None if seed is None else seed + index
