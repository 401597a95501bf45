"""A preset: the complete configuration of one training run."""

import dataclasses
from collections.abc import Mapping
from contextlib import nullcontext

import keras

from keras_vit import models
from keras_vit.augment import AutoAugment, RandomAffine, RandomCrop, RandomResizedCrop
from keras_vit.hardware import fastest_dtype
from keras_vit.layers import TransformerBlock
from keras_vit.layers.rematerialized import remat_scope
from keras_vit.models.new_head import with_classes
from keras_vit.training.augmented_model import AugmentedModel
from keras_vit.training.batches import ShuffledBatches
from keras_vit.training.devices import ONE_DEVICE
from keras_vit.training.lora import add_lora, freeze_body
from keras_vit.training.optimizers import check_optimizer, optimizer
from keras_vit.training.schedules import EpochSchedule, warmup_cosine

SCHEDULES = ("cosine", "cosine_by_epoch", "exponential_by_epoch", "constant")


@dataclasses.dataclass(frozen=True)
class Preset:
    """A training run, down to its number of steps.

    Attributes:
        summary: what it is, in a few words.
        expect: time and accuracy to expect, as measured, and on what.
        epochs: passes over the training images.
        steps_per_epoch: batches of an epoch, where that is less than there are images for; None:
            all of them.
        data: source for `load_data`, instead of the recipe's.
        model_class: name of the model's class in `keras_vit.models`.
        model: its arguments; image shape and classes come from the data.
        image_size: side that all images are brought to, inside the step in training.
        validation_images: how many of the training images are kept for validation.
        best_epoch_from: keep the weights of the epoch with the lowest validation loss, from this
            one on; None keeps the last.
        batch_size: images an update.
        accumulate: equal parts that each batch is taken in, to save memory; the update is by the
            mean of their gradients. Decay and the schedule, which counts updates, are as for the
            batch in one. Keras averages the weights after every part: `ema_momentum` is taken to
            the power of 1 / accumulate there, and the average lags by less than an update. What
            looks at the batch as a whole, mixup's partner and batch norm, looks at a part.
        steps_per_execution: steps that one call takes, see `keras.Model.compile`; where a step
            takes a GPU a millisecond, so does the call. Should divide those of an epoch, or its
            last call is compiled apart. PyTorch takes one at a time.
        checkpoint_epochs: epochs from one checkpoint to the next, after the first epoch's.
        remat: whether blocks are computed again in the backward pass instead of kept, to save
            memory; for models made of `TransformerBlock`.
        optimizer: "adamw", "adamw_all", "adam_l2", "adam", "sgd" or "muon", see
            `training.optimizers`.
        beta_1: decay of the optimizer's mean gradient; the momentum of "sgd".
        clip_norm: largest norm of all gradients together; None: any.
        layer_decay: factor of the learning rate from each layer to the one before it.
        schedule: "cosine" after a warm-up, step by step; "cosine_by_epoch", the same in steps of
            an epoch; "exponential_by_epoch"; "constant".
        peak_learning_rate: after the warm-up; the first one without.
        final_learning_rate: at the cosine's end.
        epoch_decay: factor of the exponential schedule after each epoch.
        warmup_epochs: epochs of linear warm-up, may be a fraction; a quarter of the run at most.
        weight_decay: as the optimizer has it.
        label_smoothing: share of the label spread over all classes.
        crop_scale: area range of `RandomResizedCrop`; None: none.
        crop_ratio: its range of width over height.
        crop_padding: pixels of `RandomCrop`; 0: none.
        flip: whether to flip left and right.
        affine: arguments of `RandomAffine`; None: none.
        auto_augment: arguments of `AutoAugment`; None: none.
        mixup: Beta parameter; 0: none.
        cutmix: Beta parameter; 0: none.
        ema_momentum: of the average of the weights that is kept in the end; None: no average.
        dtype: dtype policy of the model; "auto" is `hardware.fastest_dtype` where the run begins.
        frozen: whether the head alone is trained.
        lora_rank: of the low-rank factors that are trained beside the head; None: none.
        linear_probe: whether a head is fitted to features computed once, instead of training.
    """

    summary: str
    expect: str
    epochs: int
    steps_per_epoch: int | None = None
    data: str | None = None
    model_class: str = "ViT"
    model: Mapping = dataclasses.field(default_factory=dict)
    image_size: int | None = None
    validation_images: int = 0
    best_epoch_from: int | None = None
    batch_size: int = 128
    accumulate: int = 1
    steps_per_execution: int = 1
    checkpoint_epochs: int = 1
    remat: bool = False
    optimizer: str = "adamw"
    beta_1: float = 0.9
    clip_norm: float | None = None
    layer_decay: float = 1.0
    schedule: str = "cosine"
    peak_learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    epoch_decay: float = 1.0
    warmup_epochs: float = 5
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    crop_scale: tuple[float, float] | None = None
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    crop_padding: int = 0
    flip: bool = False
    affine: Mapping | None = None
    auto_augment: Mapping | None = None
    mixup: float = 0.0
    cutmix: float = 0.0
    ema_momentum: float | None = None
    dtype: str = "float32"
    frozen: bool = False
    lora_rank: int | None = None
    linear_probe: bool = False

    def __post_init__(self):
        counts = "epochs", "batch_size", "accumulate", "steps_per_execution", "checkpoint_epochs"
        for name in counts:
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 or more. Received: {getattr(self, name)}")
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"`accumulate` must divide the batch. Received: accumulate={self.accumulate}, "
                f"batch_size={self.batch_size}"
            )
        check_optimizer(self.optimizer, self.weight_decay, self.layer_decay)
        chosen = {
            "frozen": self.frozen,
            "lora_rank": self.lora_rank,
            "linear_probe": self.linear_probe,
            "layer_decay": self.layer_decay != 1,
        }
        if sum(map(bool, chosen.values())) > 1:
            both = " and ".join(f"`{name}`" for name, value in chosen.items() if value)
            raise ValueError(f"{both} exclude each other: they say which weights are trained.")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"`schedule` must be one of {SCHEDULES}. Received: {self.schedule!r}")
        if self.best_epoch_from is not None and not self.validation_images:
            raise ValueError("`best_epoch_from` needs `validation_images`: no test chooses.")
        if self.best_epoch_from is not None and self.checkpoint_epochs > 1:
            raise ValueError("`best_epoch_from` needs a checkpoint each epoch, to go on from it.")
        if self.image_size and not self.crop_scale:
            raise ValueError("`image_size` needs `crop_scale`: the crop brings images to the size.")

    def image_shape(self, data):
        """(height, width, channels) that the model takes."""
        size = self.image_size
        return (size, size, data.image_shape[2]) if size else data.image_shape

    def policy(self):
        """The dtype policy, by name."""
        return fastest_dtype() if self.dtype == "auto" else self.dtype

    def build_model(self, data, start=None):
        """The model for a data set: a new one, or `start` with a head for its classes."""
        with remat_scope() if self.remat else nullcontext():
            if start is None:
                model = getattr(models, self.model_class)(
                    image_shape=self.image_shape(data),
                    num_classes=data.num_classes,
                    class_names=data.class_names,
                    dtype=self.policy(),
                    **self.model,
                )
            else:
                changes = {"dtype": self.policy(), **self.model}
                model = with_classes(start, data.num_classes, data.class_names, **changes)
        if self.remat and not any(isinstance(layer, TransformerBlock) for layer in model.layers):
            raise ValueError(f"`remat` does nothing for {model.name}: no TransformerBlock")
        return model

    def batches(self, x, y, seed, devices=ONE_DEVICE):
        """The `ShuffledBatches` of images and labels, each a part of a batch with `accumulate`."""
        part = min(self.batch_size, len(x)) // self.accumulate
        if not part:
            raise ValueError(f"{len(x)} images can't be taken in {self.accumulate} parts")
        return ShuffledBatches(x, y, part, seed, self.accumulate, self.steps_per_epoch, devices)

    def validation_freq(self, epochs):
        """Epochs from one validation to the next: each where that chooses one, else about 20."""
        # The table of the studies shows the last epoch's, whatever their number.
        return 1 if self.validation_images else max(1, epochs // 20)

    def augmentation(self, image_shape):
        """The layers that augment, in their order."""
        layers = []
        if self.crop_scale:
            layers.append(RandomResizedCrop(*image_shape[:2], self.crop_scale, self.crop_ratio))
        if self.crop_padding:
            layers.append(RandomCrop(self.crop_padding))
        if self.flip:
            layers.append(
                keras.layers.RandomFlip("horizontal", data_format="channels_last", dtype="float32")
            )
        if self.affine:
            layers.append(RandomAffine(**self.affine))
        if self.auto_augment:
            layers.append(AutoAugment(**self.auto_augment))
        return layers

    def build_trainer(self, model, steps_per_epoch):
        """The compiled `AugmentedModel` around a model; each part of a batch is a step."""
        if self.lora_rank:
            add_lora(model, self.lora_rank)
        elif self.frozen:
            freeze_body(model)
        trainer = AugmentedModel(
            model,
            augment=self.augmentation(model.image_shape),
            mixup=self.mixup,
            cutmix=self.cutmix,
            label_smoothing=self.label_smoothing,
        )
        trainer.compile(
            self.build_optimizer(model, steps_per_epoch),
            metrics=["accuracy"],
            steps_per_execution=self.steps_per_call(steps_per_epoch),
        )
        return trainer

    def steps_per_call(self, steps_per_epoch):
        """What `compile` is given as `steps_per_execution`."""
        if keras.backend.backend() == "torch":  # Keras refuses more there
            return 1
        return min(self.steps_per_execution, steps_per_epoch)

    def build_optimizer(self, model, steps_per_epoch):
        """The optimizer for a model's weights, with its schedule."""
        options = {}
        if self.ema_momentum:
            momentum = self.ema_momentum ** (1 / self.accumulate)
            options = {"use_ema": True, "ema_momentum": momentum}
        if self.accumulate > 1:
            options["gradient_accumulation_steps"] = self.accumulate
        return optimizer(
            self.optimizer,
            model,
            self.step_learning_rate(steps_per_epoch),
            self.weight_decay,
            self.layer_decay,
            beta_1=self.beta_1,
            global_clipnorm=self.clip_norm,
            **options,
        )

    def step_learning_rate(self, steps_per_epoch):
        """The schedule by Keras's steps, of which an update takes `accumulate`."""
        rate = self.learning_rate(steps_per_epoch // self.accumulate)
        if self.accumulate == 1 or isinstance(rate, float):
            return rate
        return EpochSchedule(rate, self.accumulate)

    def learning_rate(self, steps_per_epoch):
        """The schedule by updates, or the number that it comes to."""
        if self.schedule == "constant":
            return self.peak_learning_rate
        if self.schedule == "exponential_by_epoch":
            return keras.optimizers.schedules.ExponentialDecay(
                self.peak_learning_rate, steps_per_epoch, self.epoch_decay, staircase=True
            )
        by_epoch = self.schedule == "cosine_by_epoch"
        unit = 1 if by_epoch else steps_per_epoch
        total = self.epochs * unit
        schedule = warmup_cosine(
            self.peak_learning_rate,
            total,
            int(min(self.warmup_epochs * unit, total / 4)),
            self.final_learning_rate,
        )
        return EpochSchedule(schedule, steps_per_epoch) if by_epoch else schedule
