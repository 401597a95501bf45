"""A model that trains a classifier, with augmentation and mixing inside the training step."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_vit.augment import Mixing
from keras_vit.models.outputs import ends_in_softmax
from keras_vit.train.augmenting import AugmentingModel
from keras_vit.train.lora import LoraState, lora_layers


@keras.saving.register_keras_serializable(package="keras_vit")
class AugmentedModel(AugmentingModel):
    """Train any Keras classifier with augmentation inside the compiled step.

    `fit` takes uint8 images and augments each batch on the device that trains. The augmentation is
    drawn anew for each image. Mixup and CutMix mix the labels together with the images. `evaluate`
    and `predict` do not augment. The attribute `model` holds the plain classifier, which is the one
    to save and to use.

    ```python
    trainer = AugmentedModel(ViT(), augment=[RandomCrop(padding=4), AutoAugment()], cutmix=1.0)
    trainer.compile("adamw", metrics=["accuracy"])
    trainer.fit(x_train, y_train, validation_data=(x_test, y_test))
    trainer.model.save("vit.keras")
    ```

    Without a `loss`, `compile` uses the cross-entropy. Another loss receives the mixed and smoothed
    labels as shares of the classes, `(B, num_classes)`. Metrics receive an integer label for each
    image: of two images that are mixed, the label of the one with the larger share.

    Args:
        model: a classifier with one output `(B, num_classes)`, which is logits, or probabilities
            if the last layer is a softmax or has one.
        augment: sequence of layers on images `(B, H, W, C)`, 0-255, which are called in order with
            `training=True`. Keras's layers that draw for each image can be used too. Default: ().
        mixup: float, parameter of mixup's Beta distribution (arXiv 1710.09412); 0 turns mixup off.
            Default: 0.0.
        cutmix: float, parameter of CutMix's Beta distribution (arXiv 1905.04899); 0 turns CutMix
            off. If both are on, each image is mixed by one of the two. Default: 0.0.
        label_smoothing: float in [0, 1), share of the label that is spread evenly over all classes
            (arXiv 1512.00567). Default: 0.0.
        seed: int or None, seed of the mixing. None: a random seed. Default: None.
        name: str, name of the training model. Default: "augmented_model".
        **kwargs: arguments of `AugmentingModel`.

    Input shape: images `(B, H, W, C)`, 0-255, uint8 or float; labels int `(B,)` or `(B, 1)`.

    Output shape: the output shape of `model`.

    Raises:
        ValueError: if the model has several outputs or fewer than two classes, or if labels are not
            integers or not among the classes.
    """

    def __init__(
        self,
        model: keras.Model,
        augment: Sequence[keras.Layer] = (),
        mixup: float = 0.0,
        cutmix: float = 0.0,
        label_smoothing: float = 0.0,
        seed: int | None = None,
        name: str = "augmented_model",
        **kwargs,
    ) -> None:
        super().__init__(model, augment, name=name, **kwargs)
        shape = getattr(model, "output_shape", None)
        if not isinstance(shape, tuple) or len(shape) != 2 or not (shape[1] or 0) > 1:
            raise ValueError(
                "`model` must be a built classifier with one output (B, num_classes) and two or "
                f"more classes. Received: a model with output shape {shape}"
            )
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                f"`label_smoothing` must be in [0, 1). Received: label_smoothing={label_smoothing}"
            )
        self.mixup = mixup
        self.cutmix = cutmix
        self.label_smoothing = label_smoothing
        self.seed = seed
        self.num_classes = shape[1]
        self.mixing = Mixing(mixup, cutmix, seed=seed) if mixup or cutmix else None
        if tuned := lora_layers(model):
            # Keras loads attributes in alphabetical order. `LoraState` needs a name after `model`,
            # because loading the model resets the low-rank factors.
            self.tuned = LoraState(tuned)
        self.build(model.input_shape)

    def call(self, images, training: bool | None = None):
        if not training:
            return self.model(self.at_model_size(images), training=False)
        images = self.augmented(images)
        if self.mixing is None:
            return self.model(images, training=True)
        images, partner, weight = self.mixing(images, training=True)
        # The partner and the weight of each image leave the call with the prediction, so that
        # `compute_loss` and `compute_metrics` receive them on every backend, traced or not.
        return {
            "prediction": self.model(images, training=True),
            "partner": partner,
            "weight": weight,
        }

    def default_loss(self) -> keras.losses.Loss:
        """Return the cross-entropy for the classifier's logits or probabilities."""
        return keras.losses.CategoricalCrossentropy(from_logits=not ends_in_softmax(self.model))

    def fit(self, x=None, y=None, *args, **kwargs):
        """Train as `keras.Model.fit` does, after a check of labels that are given as arrays."""
        check_labels(y, self.num_classes)
        if isinstance(kwargs.get("validation_data"), tuple):
            check_labels(kwargs["validation_data"][1], self.num_classes)
        return super().fit(x, y, *args, **kwargs)

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """Evaluate as `keras.Model.evaluate` does, after a check of labels given as an array."""
        check_labels(y, self.num_classes)
        return super().evaluate(x, y, *args, **kwargs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        y = flat_labels(y)
        known = ops.clip(y, 0, self.num_classes - 1)
        targets = ops.one_hot(known, self.num_classes, dtype="float32")
        # For a label that is not among the classes, `one_hot` gives a row of zeros, whose loss is
        # zero. NaN makes the mistake visible.
        targets = ops.where((y == known)[:, None], targets, float("nan"))
        if isinstance(y_pred, dict):
            partner, own = y_pred["partner"], y_pred["weight"]
            other = 1 - own
            if sample_weight is not None:  # Each label has the weight of its own image.
                weights = ops.cast(ops.reshape(sample_weight, (-1,)), own.dtype)
                own, other = own * weights, other * ops.take(weights, partner, axis=0)
                sample_weight = own + other
                some = ops.where(sample_weight == 0, 1.0, sample_weight)
                own, other = own / some, other / some
            targets = own[:, None] * targets + other[:, None] * ops.take(targets, partner, axis=0)
            y_pred = y_pred["prediction"]
        if training and self.label_smoothing:
            targets = targets * (1 - self.label_smoothing) + self.label_smoothing / self.num_classes
        return super().compute_loss(x, targets, y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        y = flat_labels(y)
        if isinstance(y_pred, dict):
            partner, larger = y_pred["partner"], y_pred["weight"] >= 0.5
            y = ops.where(larger, y, ops.take(y, partner, axis=0))
            if sample_weight is not None:
                weights = ops.reshape(sample_weight, (-1,))
                sample_weight = ops.where(larger, weights, ops.take(weights, partner, axis=0))
            y_pred = y_pred["prediction"]
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "model": keras.saving.serialize_keras_object(self.model),
            "mixup": self.mixup,
            "cutmix": self.cutmix,
            "label_smoothing": self.label_smoothing,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> "AugmentedModel":
        parts = {key: keras.saving.deserialize_keras_object(config[key]) for key in PARTS}
        return cls(**{**config, **parts})


PARTS = ("model", "augment")


def flat_labels(y):
    """Return labels `(B,)` or `(B, 1)` as an int32 tensor `(B,)`."""
    if len(y.shape) > 2 or (len(y.shape) == 2 and y.shape[1] != 1):
        raise ValueError(
            f"Labels must be integers of shape (B,) or (B, 1). Received: shape={tuple(y.shape)}"
        )
    return ops.cast(ops.reshape(y, (-1,)), "int32")


def check_labels(y, num_classes: int) -> None:
    """Raise a ValueError if labels in an array are not integers among the classes.

    Args:
        y: array, list or tuple of labels. Anything else, such as a data set, is not checked.
        num_classes: int, number of classes.
    """
    is_array = isinstance(y, list | tuple) or (hasattr(y, "shape") and hasattr(y, "dtype"))
    if not is_array or len(y) == 0:
        return
    y = ops.convert_to_numpy(y)
    if not np.issubdtype(y.dtype, np.integer):
        raise ValueError(f"Labels must be integers. Received: dtype={y.dtype}")
    if y.min() < 0 or y.max() >= num_classes:
        raise ValueError(
            f"Labels must be from 0 to {num_classes - 1} for {num_classes} classes. "
            f"Received: labels from {y.min()} to {y.max()}"
        )
