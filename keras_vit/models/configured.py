"""What all models share: the constructor's arguments are the config."""

import inspect

import keras

from keras_vit.backend.keras_private import flatten_layers
from keras_vit.backend.tf_data_autotune import WithoutTfDataAutotune
from keras_vit.layers.composite import policy_with_parts


class ConfiguredModel(WithoutTfDataAutotune, keras.Model):
    """A functional model that its constructor builds, and whose arguments are its config.

    A subclass takes its arguments, `dtype` and `name` among them, begins with
    `arguments = arguments_of(ThatClass, locals())`, lays its layers and ends with
    `super().__init__(inputs, outputs, arguments)`. Every argument is then an attribute too.

    Args:
        inputs: a `keras.Input`.
        outputs: the last layer's output.
        arguments: the constructor's, by name.
        shortcut: the same values as `outputs` by way of the same layers, but with less work; what
            a call computes. `outputs` and every layer's `output` stay those of one whole graph,
            for those who take the model apart.
    """

    def __init__(self, inputs, outputs, arguments, shortcut=None):
        super().__init__(inputs=inputs, outputs=outputs, name=arguments["name"])
        self._short_call = None
        if shortcut is not None:
            # Its method, for Keras would take a model as one more layer of this one.
            self._short_call = keras.Model(inputs, shortcut, name=arguments["name"]).call
        self._argument_names = tuple(sorted(arguments))
        for key in arguments.keys() - {"name", "dtype"}:
            value = arguments[key]
            setattr(self, key, tuple(value) if isinstance(value, list) else value)
        self._policy = keras.dtype_policies.get(arguments["dtype"])
        # Keras reads the model's own policy to scale the loss under float16.
        self.dtype_policy = getattr(self._policy, "default_policy", self._policy)

    def call(self, inputs, training=None, mask=None):
        call = self._short_call or super().call
        return call(inputs, training=training, mask=mask)

    def get_config(self):
        config = {key: getattr(self, key) for key in self._argument_names}
        config["dtype"] = keras.dtype_policies.serialize(policy_with_parts(self, self._policy))
        layers = flatten_layers(self, include_self=False)
        frozen = sorted(layer.path for layer in layers if layer.path and not layer.trainable)
        if frozen:
            config["frozen"] = frozen
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        frozen = set(config.get("frozen", ()))
        model = cls(**{key: value for key, value in config.items() if key != "frozen"})
        for layer in flatten_layers(model, include_self=False):
            if layer.path in frozen:
                layer.trainable = False
        return model


def arguments_of(cls, local_variables):
    """A constructor's arguments as given, out of its `locals()` before anything else is there."""
    names = set(inspect.signature(cls.__init__).parameters) - {"self"}
    return {name: local_variables[name] for name in names}


def activation_name(activation):
    """What a configuration has for an activation given by name or as a function."""
    function = keras.activations.get(activation)  # which refuses what there is not
    # Keras's serialization imports all of TensorFlow wherever that is installed.
    return activation if isinstance(activation, str) else keras.activations.serialize(function)
