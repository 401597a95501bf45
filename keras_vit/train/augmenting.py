"""What the models that train another one share."""

import keras

from keras_vit.backend.hardware import device_kind
from keras_vit.backend.keras_private import distribute_strategy_of, flatten_layers
from keras_vit.backend.tf_data_autotune import WithoutTfDataAutotune

CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)


class AugmentingModel(WithoutTfDataAutotune, keras.Model):
    """Trains a model with augmentation inside the compiled step.

    A subclass gives `default_loss` and calls `augmented` on the images in training.

    Args:
        model: the plain model, built; it is what is kept and shipped.
        augment: layers on images `(B, H, W, C)`, 0-255, called in order with `training=True`.
        **kwargs: Keras's `name` and `dtype`; without `dtype` the plain model's.
    """

    def __init__(self, model, augment=(), **kwargs):
        # Images are bytes or whole floats up to 255: half precision would round them.
        kwargs.setdefault("dtype", model.dtype_policy)
        super().__init__(autocast=False, **kwargs)
        self.model = model
        self.augment = list(augment)

    def build(self, input_shape):
        """Nothing to make: the model is built, the augmentation has no weights."""

    def default_loss(self):
        """The loss where `compile` is given none."""
        raise NotImplementedError

    def at_model_size(self, images):
        """Images as the model takes them, not augmented but for the size.

        Of another size where a crop among the augmentation changes it: then that resizes. On JAX
        and PyTorch Keras first calls a model so with a batch of the training images.
        """
        if images.shape[1:] != self.model.input_shape[1:]:
            for layer in self.augment:
                images = layer(images, training=False)
        return images

    def augmented(self, images):
        for layer in self.augment:
            images = layer(images, training=True)
        return images

    def compile(self, optimizer="adamw", loss=None, metrics=None, jit_compile="auto", **kwargs):
        """As `keras.Model.compile`, with two defaults of its own.

        Args:
            optimizer: as Keras's.
            loss: None is the one that the class is for.
            metrics: as Keras's.
            jit_compile: "auto" compiles with XLA on TensorFlow too, also on the CPU, where Keras
                alone would not; there it leaves convolutional networks to oneDNN, which is faster.
            **kwargs: Keras's others.
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

    def make_train_function(self, force=False):
        """As Keras's, but on JAX `steps_per_execution` steps are one compiled call."""
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

    def compile_from_config(self, config):
        """Compiles a loaded model as it was; Keras leaves that to whoever changes `compile`."""
        config = keras.saving.deserialize_keras_object(config)
        config.pop("jit_compile")  # resolved on the backend that saved it
        self.compile(**config)
        self.optimizer.build(self.trainable_variables)

    def get_config(self):
        augment = [keras.saving.serialize_keras_object(layer) for layer in self.augment]
        return {**super().get_config(), "augment": augment}


def is_convolutional(model):
    """Whether convolutions hold most of a model's weights."""
    convolutions = sum(
        layer.count_params()
        for layer in flatten_layers(model, include_self=False)
        if isinstance(layer, CONVOLUTIONS)
    )
    return 2 * convolutions > model.count_params()
