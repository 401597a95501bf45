"""What a recipe is made of: presets, each a complete configuration of one training run."""

import dataclasses
from collections.abc import Mapping

import keras

from keras_vit.augment import AutoAugment, RandomCrop, RandomResizedCrop
from keras_vit.models import ViT
from keras_vit.training.augmented_model import AugmentedModel
from keras_vit.training.optimizers import adamw
from keras_vit.training.schedules import warmup_cosine


@dataclasses.dataclass(frozen=True)
class Preset:
    """A training run, down to its number of steps.

    Attributes:
        summary: what it is, in a few words.
        expect: time and accuracy to expect, as measured, and on what.
        epochs: passes over the training images.
        model: arguments of `ViT`; image shape and classes come from the data.
        batch_size: images a step.
        peak_learning_rate: of AdamW, after the warm-up.
        final_learning_rate: at the last step.
        warmup_epochs: epochs of linear warm-up, may be a fraction; a quarter of the run at most.
        weight_decay: of kernels alone.
        label_smoothing: share of the label spread over all classes.
        crop_padding: pixels of `RandomCrop`; 0: none.
        flip: whether to flip left and right.
        auto_augment: policy of `AutoAugment`; None: none.
        crop_scale: area range of `RandomResizedCrop`; None: none.
        mixup: Beta parameter; 0: none.
        cutmix: Beta parameter; 0: none.
        ema_momentum: of the average of the weights that is kept in the end; None: no average.
        dtype: dtype policy of the model.
    """

    summary: str
    expect: str
    epochs: int
    model: Mapping = dataclasses.field(default_factory=dict)
    batch_size: int = 128
    peak_learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    warmup_epochs: float = 5
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    crop_padding: int = 0
    flip: bool = False
    auto_augment: str | None = None
    crop_scale: tuple[float, float] | None = None
    mixup: float = 0.0
    cutmix: float = 0.0
    ema_momentum: float | None = None
    dtype: str = "float32"

    def __post_init__(self):
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 or more. Received: {getattr(self, name)}")

    def build_model(self, data):
        """The `ViT` for a data set."""
        return ViT(
            image_shape=data.image_shape,
            num_classes=data.num_classes,
            class_names=data.class_names,
            dtype=self.dtype,
            **self.model,
        )

    def augmentation(self, image_shape):
        """The layers that augment, in their order."""
        layers = []
        if self.crop_scale:
            layers.append(RandomResizedCrop(*image_shape[:2], scale=self.crop_scale))
        if self.crop_padding:
            layers.append(RandomCrop(self.crop_padding))
        if self.flip:
            layers.append(keras.layers.RandomFlip("horizontal", dtype="float32"))
        if self.auto_augment:
            layers.append(AutoAugment(self.auto_augment))
        return layers

    def build_trainer(self, model, steps_per_epoch):
        """The compiled `AugmentedModel` around a model."""
        trainer = AugmentedModel(
            model,
            augment=self.augmentation(model.image_shape),
            mixup=self.mixup,
            cutmix=self.cutmix,
            label_smoothing=self.label_smoothing,
        )
        total_steps = self.epochs * steps_per_epoch
        schedule = warmup_cosine(
            self.peak_learning_rate,
            total_steps,
            int(min(self.warmup_epochs * steps_per_epoch, total_steps / 4)),
            self.final_learning_rate,
        )
        average = {"use_ema": True, "ema_momentum": self.ema_momentum} if self.ema_momentum else {}
        trainer.compile(adamw(model, schedule, self.weight_decay, **average), metrics=["accuracy"])
        return trainer


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A data set and the presets to train on it.

    Attributes:
        name: of the recipe; its run folder is `saved_models/NAME`.
        data: source for `load_data` where none is given.
        presets: by name.
        on_cpu: name of the preset for a machine without accelerator.
        on_gpu: name of the preset for one with.
    """

    name: str
    data: str
    presets: Mapping[str, Preset]
    on_cpu: str
    on_gpu: str
