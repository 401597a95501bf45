"""A classifier's training step with augmentation and mixing inside."""

import keras
import numpy as np
from keras import ops

from keras_vit.augment import Mixing
from keras_vit.models.outputs import ends_in_softmax
from keras_vit.train.augmenting import AugmentingModel
from keras_vit.train.lora import LoraState, lora_layers


@keras.saving.register_keras_serializable(package="keras_vit")
class AugmentedModel(AugmentingModel):
    """Trains any Keras classifier with augmentation inside the compiled step.

    `fit` takes the images as they are, uint8, and augments each batch on the device that trains,
    with a draw of its own for each image; mixup and CutMix mix the labels with the images.
    `evaluate` and `predict` see none of it. The plain model is `.model`: save and ship that one.

    ```python
    trainer = AugmentedModel(ViT(), augment=[RandomCrop(padding=4), AutoAugment()], cutmix=1.0)
    trainer.compile("adamw", metrics=["accuracy"])
    trainer.fit(x_train, y_train, validation_data=(x_test, y_test))
    trainer.model.save("vit.keras")
    ```

    `compile` without a `loss` takes the cross-entropy; another one gets the mixed and smoothed
    labels as `(B, num_classes)` shares. Metrics see the integer label of the image's larger share.

    Args:
        model: a classifier with one output `(B, num_classes)`: logits, or probabilities where
            its last layer is or has a softmax.
        augment: layers on images `(B, H, W, C)`, 0-255, called in order with `training=True`.
            Keras's own that draw per image serve as well as ours.
        mixup: parameter of mixup's Beta distribution (arXiv 1710.09412); 0: none.
        cutmix: the same for CutMix (arXiv 1905.04899); where both are given, each image takes
            one of the two.
        label_smoothing: share of the label spread evenly over all classes (arXiv 1512.00567).
        seed: of the mixing.

    Input shape: images `(B, H, W, C)`, 0-255, uint8 or float; labels int `(B,)` or `(B, 1)`.

    Output shape: what `model` gives.

    Raises:
        ValueError: for a model with several outputs or fewer than two classes, labels that are
            not whole numbers, or labels beyond the classes.
    """

    def __init__(
        self,
        model,
        augment=(),
        mixup=0.0,
        cutmix=0.0,
        label_smoothing=0.0,
        seed=None,
        name="augmented_model",
        **kwargs,
    ):
        super().__init__(model, augment, name=name, **kwargs)
        shape = getattr(model, "output_shape", None)
        if not isinstance(shape, tuple) or len(shape) != 2 or not (shape[1] or 0) > 1:
            raise ValueError(
                "`model` must be a built classifier with one output (B, num_classes) and two or "
                f"more classes. Received a model with output shape {shape}"
            )
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"`label_smoothing` must be in [0, 1). Received: {label_smoothing}")
        self.mixup = mixup
        self.cutmix = cutmix
        self.label_smoothing = label_smoothing
        self.seed = seed
        self.num_classes = shape[1]
        self.mixing = Mixing(mixup, cutmix, seed=seed) if mixup or cutmix else None
        if tuned := lora_layers(model):
            self.tuned = LoraState(tuned)  # after `model` in the alphabet, as it must be
        self.build(model.input_shape)

    def call(self, images, training=None):
        if not training:
            return self.model(self.at_model_size(images), training=False)
        images = self.augmented(images)
        if self.mixing is None:
            return self.model(images, training=True)
        images, partner, weight = self.mixing(images, training=True)
        # What the labels need goes out with the prediction: `compute_loss` and
        # `compute_metrics` get it back on every backend, whatever that traces.
        return {
            "prediction": self.model(images, training=True),
            "partner": partner,
            "weight": weight,
        }

    def default_loss(self):
        return keras.losses.CategoricalCrossentropy(from_logits=not ends_in_softmax(self.model))

    def fit(self, x=None, y=None, *args, **kwargs):
        check_labels(y, self.num_classes)
        if isinstance(kwargs.get("validation_data"), tuple):
            check_labels(kwargs["validation_data"][1], self.num_classes)
        return super().fit(x, y, *args, **kwargs)

    def evaluate(self, x=None, y=None, *args, **kwargs):
        check_labels(y, self.num_classes)
        return super().evaluate(x, y, *args, **kwargs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        y = flat_labels(y)
        known = ops.clip(y, 0, self.num_classes - 1)
        targets = ops.one_hot(known, self.num_classes, dtype="float32")
        # A label beyond the classes would be a row of zeros for `one_hot`, and cost nothing.
        targets = ops.where((y == known)[:, None], targets, float("nan"))
        if isinstance(y_pred, dict):
            partner, own = y_pred["partner"], y_pred["weight"]
            other = 1 - own
            if sample_weight is not None:  # each label with the weight of its own image
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

    def get_config(self):
        return {
            **super().get_config(),
            "model": keras.saving.serialize_keras_object(self.model),
            "mixup": self.mixup,
            "cutmix": self.cutmix,
            "label_smoothing": self.label_smoothing,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        parts = {key: keras.saving.deserialize_keras_object(config[key]) for key in PARTS}
        return cls(**{**config, **parts})


PARTS = ("model", "augment")


def flat_labels(y):
    """Labels `(B,)` or `(B, 1)` as int32 `(B,)`."""
    if len(y.shape) > 2 or (len(y.shape) == 2 and y.shape[1] != 1):
        raise ValueError(
            f"Labels must be integers, (B,) or (B, 1). Received shape: {tuple(y.shape)}"
        )
    return ops.cast(ops.reshape(y, (-1,)), "int32")


def check_labels(y, num_classes):
    """Looks at labels that are at hand as an array, before anything runs."""
    is_array = isinstance(y, list | tuple) or (hasattr(y, "shape") and hasattr(y, "dtype"))
    if not is_array or len(y) == 0:
        return
    y = ops.convert_to_numpy(y)
    if not np.issubdtype(y.dtype, np.integer):
        raise ValueError(f"Labels must be integers. Received dtype: {y.dtype}")
    if y.min() < 0 or y.max() >= num_classes:
        raise ValueError(
            f"Labels must be from 0 to {num_classes - 1} for {num_classes} classes. "
            f"Received labels from {y.min()} to {y.max()}"
        )
