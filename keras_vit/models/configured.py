"""The base class of all models, whose config is the arguments of the constructor."""

import inspect
from collections.abc import Callable

import keras

from keras_vit.backend.keras_private import flatten_layers
from keras_vit.backend.tf_data_autotune import WithoutTfDataAutotune
from keras_vit.layers.composite import policy_with_parts


class ConfiguredModel(WithoutTfDataAutotune, keras.Model):
    """A functional model that its constructor builds, and whose arguments are its config.

    The constructor of a subclass takes the arguments, `dtype` and `name` among them. It begins with
    `arguments = arguments_of(ThatClass, locals())`, connects the layers and ends with
    `super().__init__(inputs, outputs, arguments)`. Every argument then becomes an attribute.

    Args:
        inputs: a `keras.Input`.
        outputs: the output of the last layer.
        arguments: dict, the arguments of the constructor by name.
        shortcut: tensor with the same values as `outputs`, which the same layers compute with less
            work. A call of the model computes this tensor. `outputs` and the `output` of every
            layer still belong to one whole graph, so that a caller can cut the model at any layer.
            None: a call computes `outputs`. Default: None.
    """

    def __init__(self, inputs, outputs, arguments: dict, shortcut=None) -> None:
        super().__init__(inputs=inputs, outputs=outputs, name=arguments["name"])
        self._short_call = None
        if shortcut is not None:
            # The attribute holds the second model's `call` method and not the second model itself:
            # Keras would track a model in an attribute as one more layer of this model.
            self._short_call = keras.Model(inputs, shortcut, name=arguments["name"]).call
        self._argument_names = tuple(sorted(arguments))
        for key in arguments.keys() - {"name", "dtype"}:
            value = arguments[key]
            setattr(self, key, tuple(value) if isinstance(value, list) else value)
        self._policy = keras.dtype_policies.get(arguments["dtype"])
        # Keras reads the model's own policy to scale the loss under float16.
        self.dtype_policy = getattr(self._policy, "default_policy", self._policy)

    def call(self, inputs, training: bool | None = None, mask=None):
        call = self._short_call or super().call
        return call(inputs, training=training, mask=mask)

    def get_config(self) -> dict:
        config = {key: getattr(self, key) for key in self._argument_names}
        config["dtype"] = keras.dtype_policies.serialize(policy_with_parts(self, self._policy))
        layers = flatten_layers(self, include_self=False)
        frozen = sorted(layer.path for layer in layers if layer.path and not layer.trainable)
        if frozen:
            config["frozen"] = frozen
        return config

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> "ConfiguredModel":
        frozen = set(config.get("frozen", ()))
        model = cls(**{key: value for key, value in config.items() if key != "frozen"})
        for layer in flatten_layers(model, include_self=False):
            if layer.path in frozen:
                layer.trainable = False
        return model


def arguments_of(cls: type, local_variables: dict) -> dict:
    """Return the arguments of a constructor by name, as the caller gave them.

    Args:
        cls: class whose constructor calls this function.
        local_variables: dict, the `locals()` of the constructor. The constructor must take them
            before it changes one of its arguments.

    Returns:
        A dict from the name of each argument to its value.
    """
    names = set(inspect.signature(cls.__init__).parameters) - {"self"}
    return {name: local_variables[name] for name in names}


def activation_name(activation: str | Callable) -> str | dict:
    """Return what the config of a model says about an activation.

    Args:
        activation: str or function, the activation as the caller gave it.

    Returns:
        The name, or what Keras's serialization makes of a function.

    Raises:
        ValueError: if Keras knows no activation of this name.
    """
    function = keras.activations.get(activation)  # raises the error for an unknown name
    # A name is returned as it is, because Keras's serialization imports all of TensorFlow wherever
    # TensorFlow is installed.
    return activation if isinstance(activation, str) else keras.activations.serialize(function)
