"""Presets: every number of a training, as data."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from keras_vit.backend.hardware import fastest_dtype
from keras_vit.train.optimizers import check_optimizer

SCHEDULES = ("cosine", "linear", "cosine_by_epoch", "exponential_by_epoch", "constant")


@dataclasses.dataclass(frozen=True)
class TrainingPreset:
    """What the two kinds of preset share.

    Attributes:
        summary: str, what it is, in a few words.
        expect: str, the time and accuracy to expect, as measured, and on which machine.
        epochs: int, passes over the training images.
        steps_per_epoch: int, batches of an epoch, where that is fewer than the images fill.
            Default: None, all of them.
        data: str, source for `load_data` instead of the recipe's. Default: None.
        model: dict, arguments of the model. Image shape and classes come from the data.
        image_size: int, side in pixels that the random crop brings every training image to.
            Default: None, the data's own.
        validation_images: int, how many training images are kept for validation. Default: 0.
        batch_size: int, images per update. Default: 128.
        accumulate: int, number of equal parts that each batch is computed in, to save memory. The
            update follows the mean of their gradients; weight decay and the schedule count
            updates. Keras averages the weights after every part, so `ema_momentum` is taken to
            the power of 1 / accumulate, and the average lags by less than an update. Mixup's
            partner and batch norm see one part at a time. Default: 1.
        steps_per_execution: int, steps that one compiled call takes, see `keras.Model.compile`.
            Where a step takes a GPU a millisecond, so does the call. It should divide the steps
            of an epoch, because another last call is compiled for itself. PyTorch takes one step
            per call. Default: 1.
        checkpoint_epochs: int, epochs from one checkpoint to the next, after the first epoch's.
            Default: 1.
        remat: bool, whether the blocks are computed again in the backward pass instead of kept,
            to save memory; for models made of `TransformerBlock`. Default: False.
        optimizer: str, "adamw", "adamw_all", "adam_l2", "adam", "sgd" or "muon", see
            `keras_vit.train.optimizers`. Default: "adamw".
        optimizer_options: dict, further arguments of the optimizer, such as "convolution_rate" of
            `SplitMuon`. Default: none.
        beta_1: float, decay of the optimizer's mean gradient; the momentum of "sgd". Default: 0.9.
        clip_norm: float, largest norm of all gradients together. Default: None, no limit.
        schedule: str, "cosine" or "linear" after a warm-up, step by step; "cosine_by_epoch", the
            same in steps of an epoch; "exponential_by_epoch"; or "constant". Default: "cosine".
        peak_learning_rate: float, rate after the warm-up, or the first one without. Default: 1e-3.
        final_learning_rate: float, rate at the end of the cosine. Default: 1e-5.
        epoch_decay: float, factor of the exponential schedule after each epoch. Default: 1.0.
        warmup_epochs: float, epochs of linear warm-up, a quarter of the run at most. Default: 5.
        weight_decay: float, as the optimizer defines it. Default: 0.05.
        crop_scale: (least, greatest) area of `RandomResizedCrop` as shares. Default: None, no crop.
        crop_ratio: (least, greatest) ratio of the crop's width to its height. Default: (3/4, 4/3).
        crop_padding: int, pixels of padding for `RandomCrop`. Default: 0, no such crop.
        crop_fill: str, the padding of `RandomCrop`, "constant" or "reflect". Default: "constant".
        flip: bool or "alternating", whether images are flipped left and right, each time at random
            or in every second epoch (see `ShuffledBatches`). Default: False.
        affine: dict, arguments of `RandomAffine`. Default: None, no affine map.
        auto_augment: dict, arguments of `AutoAugment`. Default: None, no AutoAugment.
        ema_momentum: float, momentum of the average of the weights that is kept in the end.
            Default: None, no average.
        dtype: str, dtype policy of the model; "auto" is the fastest one of the device where the
            run begins. Default: "float32".
    """

    summary: str
    expect: str
    epochs: int
    steps_per_epoch: int | None = None
    data: str | None = None
    model: Mapping = dataclasses.field(default_factory=dict)
    image_size: int | None = None
    validation_images: int = 0
    batch_size: int = 128
    accumulate: int = 1
    steps_per_execution: int = 1
    checkpoint_epochs: int = 1
    remat: bool = False
    optimizer: str = "adamw"
    optimizer_options: Mapping = dataclasses.field(default_factory=dict)
    beta_1: float = 0.9
    clip_norm: float | None = None
    schedule: str = "cosine"
    peak_learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    epoch_decay: float = 1.0
    warmup_epochs: float = 5
    weight_decay: float = 0.05
    crop_scale: tuple[float, float] | None = None
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    crop_padding: int = 0
    crop_fill: str = "constant"
    flip: bool | str = False
    affine: Mapping | None = None
    auto_augment: Mapping | None = None
    ema_momentum: float | None = None
    dtype: str = "float32"

    # What a classifier's preset may change, and no other.
    best_epoch_from: ClassVar[int | None] = None
    layer_decay: ClassVar[float] = 1.0
    frozen: ClassVar[bool] = False
    lora_rank: ClassVar[int | None] = None
    linear_probe: ClassVar[bool] = False

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
        if self.schedule not in SCHEDULES:
            raise ValueError(f"`schedule` must be one of {SCHEDULES}. Received: {self.schedule!r}")
        if self.flip not in (True, False, "alternating"):
            raise ValueError(f"`flip` must be a bool or 'alternating'. Received: {self.flip!r}")
        if self.image_size and not self.crop_scale:
            raise ValueError(
                "`image_size` needs `crop_scale`, because the random crop brings the images to "
                f"that size. Received: image_size={self.image_size}, crop_scale=None"
            )

    def image_shape(self, data) -> tuple[int, int, int]:
        """Return (height, width, channels) of the images that the model takes.

        Args:
            data: object with `image_shape`, such as an `ImageData`.
        """
        size = self.image_size
        return (size, size, data.image_shape[2]) if size else tuple(data.image_shape)

    def dtype_policy(self) -> str:
        """Return the name of the dtype policy, where "auto" is the fastest one here."""
        return fastest_dtype() if self.dtype == "auto" else self.dtype

    def validation_freq(self, epochs: int) -> int:
        """Return the number of epochs from one validation to the next.

        Held-out images are looked at after every epoch; the test images about 20 times in a run,
        because testing takes time and nothing is chosen by it.
        """
        return 1 if self.validation_images else max(1, epochs // 20)


@dataclasses.dataclass(frozen=True)
class Preset(TrainingPreset):
    """Every number of a classifier's training.

    Attributes:
        model_class: str, name of the model's class, such as "ViT", "HybridViT" or "ResNet".
            Default: "ViT".
        best_epoch_from: int, keep the weights of the epoch with the lowest validation loss, from
            this epoch on. Default: None, keep the last epoch's.
        layer_decay: float in (0, 1], factor of the learning rate from each layer to the one
            before it. Default: 1.0.
        label_smoothing: float in [0, 1), share of the label spread over all classes. Default: 0.1.
        mixup: float, parameter of mixup's Beta distribution. Default: 0.0, no mixup.
        cutmix: float, parameter of CutMix's Beta distribution. Default: 0.0, no CutMix.
        frozen: bool, whether only the head is trained. Default: False.
        lora_rank: int, rank of the low-rank factors that are trained beside the head.
            Default: None, no such factors.
        linear_probe: bool, whether a head is fitted to features computed once, instead of
            training. Default: False.

    The other attributes are those of `TrainingPreset`.
    """

    model_class: str = "ViT"
    best_epoch_from: int | None = None
    layer_decay: float = 1.0
    label_smoothing: float = 0.1
    mixup: float = 0.0
    cutmix: float = 0.0
    frozen: bool = False
    lora_rank: int | None = None
    linear_probe: bool = False

    def __post_init__(self):
        super().__post_init__()
        chosen = {
            "frozen": self.frozen,
            "lora_rank": self.lora_rank,
            "linear_probe": self.linear_probe,
            "layer_decay": self.layer_decay != 1,
        }
        if sum(map(bool, chosen.values())) > 1:
            both = " and ".join(f"`{name}`" for name, value in chosen.items() if value)
            raise ValueError(f"{both} exclude each other: they say which weights are trained.")
        if self.best_epoch_from is not None and not self.validation_images:
            raise ValueError(
                "`best_epoch_from` needs `validation_images`: the best epoch is never chosen on "
                f"test images. Received: best_epoch_from={self.best_epoch_from}, "
                "validation_images=0"
            )
        if self.best_epoch_from is not None and self.checkpoint_epochs > 1:
            raise ValueError(
                "`best_epoch_from` needs a checkpoint after every epoch, so that a resumed run "
                f"still has the best one. Received: checkpoint_epochs={self.checkpoint_epochs}"
            )


@dataclasses.dataclass(frozen=True)
class MaskedPreset(TrainingPreset):
    """Every number of a masked autoencoder's training (MAE, arXiv 2111.06377).

    Attributes:
        mask_ratio: float in (0, 1), share of the patches that is hidden. Default: 0.75.
        decoder_dim: int, width of the decoder. Default: 128.
        decoder_depth: int, number of the decoder's blocks. Default: 2.
        decoder_heads: int, heads of the decoder's attention. Default: 4.

    The other attributes are those of `TrainingPreset`; `model` holds arguments of `ViT`.
    """

    mask_ratio: float = 0.75
    decoder_dim: int = 128
    decoder_depth: int = 2
    decoder_heads: int = 4


def preset_from_json(values: Mapping) -> TrainingPreset:
    """Make the preset that a JSON object describes.

    Args:
        values: dict, the preset's attributes by name. With `mask_ratio` it is a `MaskedPreset`,
            whose files of version 0.1 also hold a classifier's attributes; they are left out.

    Raises:
        TypeError, ValueError: where attributes are missing, unknown, or do not fit together.
    """
    if "mask_ratio" not in values:
        return Preset(**values)
    classifier_only = {f.name for f in dataclasses.fields(Preset)}
    classifier_only -= {f.name for f in dataclasses.fields(TrainingPreset)}
    return MaskedPreset(**{k: v for k, v in values.items() if k not in classifier_only})
