"""What the layers made of layers share: their config and the seeds of their parts."""

import keras

from keras_vit.backend.keras_private import flatten_layers


class CompositeLayer(keras.layers.Layer):
    """A layer made of layers whose config remembers each part's dtype policy.

    `quantize("int8")` gives every Dense inside a policy of its own. A layer's config holds only
    the layer's own policy, so a quantised layer would come back with float parts, into which its
    int8 weights do not fit. Here the parts' policies go along, as a `DTypePolicyMap`.
    """

    def get_config(self):
        config = super().get_config()
        config["dtype"] = keras.dtype_policies.serialize(policy_with_parts(self, self.dtype_policy))
        return config

    def compute_output_shape(self, input_shape):
        return input_shape


def policy_with_parts(layer, policy):
    """`policy` of `layer`, as a `DTypePolicyMap` where `layer` holds quantised layers."""
    quantized = {
        part.path: part_policy(part)
        for part in flatten_layers(layer, include_self=False)
        if part.quantization_mode is not None
    }
    if not quantized:
        return policy
    default = getattr(policy, "default_policy", policy)
    return keras.dtype_policies.DTypePolicyMap(default, quantized)


def part_policy(layer):
    """The policy of one layer, out of the map that it may share with others."""
    policy = layer.dtype_policy
    if isinstance(policy, keras.dtype_policies.DTypePolicyMap):
        return policy[layer.path]
    return policy


def child_seed(seed, index):
    """Seed of the `index`-th random part, so that two parts never draw the same mask."""
    return None if seed is None else seed + index
