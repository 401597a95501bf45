"""The base class of the models that train another model."""

from collections.abc import Sequence

import keras

from keras_vit.backend.hardware import device_kind
from keras_vit.backend.keras_private import distribute_strategy_of, flatten_layers
from keras_vit.backend.tf_data_autotune import WithoutTfDataAutotune
from keras_vit.layers import MultiHeadSelfAttention

CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)


class AugmentingModel(WithoutTfDataAutotune, keras.Model):
    """Train a model with augmentation inside the compiled step.

    A subclass defines `default_loss` and calls `augmented` on the images in training.

    Args:
        model: the plain model, which must be built.
        augment: sequence of layers on images `(B, H, W, C)`, 0-255, which are called in order with
            `training=True`. Default: ().
        **kwargs: `name` and `dtype` of `keras.Model`. Default of `dtype`: that of the plain model.
    """

    def __init__(self, model: keras.Model, augment: Sequence[keras.Layer] = (), **kwargs) -> None:
        # Keras must not cast the images to half precision, which rounds whole numbers up to 255.
        kwargs.setdefault("dtype", model.dtype_policy)
        super().__init__(autocast=False, **kwargs)
        self.model = model
        self.augment = list(augment)

    def build(self, input_shape: tuple) -> None:
        """Do nothing: the plain model is built already, and the augmentation has no weights."""

    def default_loss(self) -> keras.losses.Loss:
        """Return the loss for a `compile` without `loss`."""
        raise NotImplementedError

    def at_model_size(self, images):
        """Return images in the size that the model takes, without random changes.

        A crop among the augmentation may change the size of the images. Without training, the same
        crop resizes them. On JAX and PyTorch, Keras calls this model without training on a batch of
        training images before it trains.
        """
        if images.shape[1:] != self.model.input_shape[1:]:
            for layer in self.augment:
                images = layer(images, training=False)
        return images

    def augmented(self, images):
        """Return randomly augmented images."""
        for layer in self.augment:
            images = layer(images, training=True)
        return images

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer = "adamw",
        loss=None,
        metrics=None,
        jit_compile: bool | str = "auto",
        **kwargs,
    ) -> None:
        """Compile as `keras.Model.compile` does, with two other defaults.

        Args:
            optimizer: str or optimizer, as in `keras.Model.compile`. Default: "adamw".
            loss: loss as in `keras.Model.compile`. None: the result of `default_loss`. Default:
                None.
            metrics: list of metrics, as in `keras.Model.compile`. Default: None.
            jit_compile: bool or "auto", whether to compile with XLA. "auto" compiles on TensorFlow
                too, also on a CPU, where Keras's "auto" does not. The exceptions on TensorFlow are
                several devices, and convolutional networks on a CPU, where oneDNN is faster.
                Default: "auto".
            **kwargs: further arguments of `keras.Model.compile`.
        """
        if loss is None:
            loss = self.default_loss()
        if jit_compile == "auto" and keras.backend.backend() == "tensorflow":
            jit_compile = not (
                kwargs.get("run_eagerly")
                or distribute_strategy_of(self) is not None
                or (device_kind() == "cpu" and is_convolutional(self.model))
            )
        super().compile(optimizer, loss, metrics=metrics, jit_compile=jit_compile, **kwargs)

    def make_train_function(self, force: bool = False) -> None:
        """Make Keras's training function; on JAX one call runs `steps_per_execution` steps."""
        is_new = force or self.train_function is None
        super().make_train_function(force)
        if keras.backend.backend() != "jax" or not is_new or self.steps_per_execution == 1:
            return
        compiled = self.jit_compile and not self.run_eagerly
        if compiled and keras.distribution.distribution() is None:
            from keras_vit.backend.scanned_steps_jax import scanned_steps

            self.train_function = scanned_steps(
                self.train_step, self.steps_per_execution, self.train_function
            )

    def compile_from_config(self, config: dict) -> None:
        """Compile a loaded model as it was compiled before it was saved.

        Keras does this only for a model that does not override `compile`.
        """
        config = keras.saving.deserialize_keras_object(config)
        config.pop("jit_compile")  # The value was chosen for the backend that saved the model.
        self.compile(**config)
        self.optimizer.build(self.trainable_variables)

    def get_config(self) -> dict:
        augment = [keras.saving.serialize_keras_object(layer) for layer in self.augment]
        return {**super().get_config(), "augment": augment}


def is_convolutional(model: keras.Model) -> bool:
    """Return whether convolutions hold most of a model's weights, and it has no attention."""
    if any(isinstance(layer, MultiHeadSelfAttention) for layer in flatten_layers(model)):
        return False
    convolutions = sum(
        layer.count_params()
        for layer in flatten_layers(model, include_self=False)
        if isinstance(layer, CONVOLUTIONS)
    )
    return 2 * convolutions > model.count_params()
