"""Build what a preset describes: model, augmentation, optimizer, batches, compiled trainer."""

from contextlib import nullcontext

import keras
import numpy as np

from keras_vit.augment import AutoAugment, RandomAffine, RandomCrop, RandomResizedCrop
from keras_vit.data.resizing import resize_images
from keras_vit.layers import TransformerBlock
from keras_vit.layers.rematerialized import remat_scope
from keras_vit.models import ViT
from keras_vit.models.new_head import with_classes
from keras_vit.runs.preset import MaskedPreset, TrainingPreset
from keras_vit.train.augmented_model import AugmentedModel
from keras_vit.train.batch_statistics import renew_batch_statistics
from keras_vit.train.batches import ShuffledBatches
from keras_vit.train.devices import ONE_DEVICE
from keras_vit.train.lora import add_lora, freeze_body
from keras_vit.train.masked_autoencoder import MaskedAutoencoder
from keras_vit.train.optimizers import optimizer
from keras_vit.train.schedules import EpochSchedule, warmup_cosine, warmup_linear


def model_class(name: str) -> type:
    """Return the class of ours that Keras has registered under a name such as "ViT".

    Raises:
        ValueError: where this package registers no model of that name.
    """
    found = keras.saving.get_registered_object(f"keras_vit>{name}")
    if not (isinstance(found, type) and issubclass(found, keras.Model)):
        raise ValueError(f"there is no model class {name!r}")
    return found


def build_model(preset: TrainingPreset, data, start: keras.Model | None = None) -> keras.Model:
    """Build the model that a preset trains on a data set.

    Args:
        preset: `Preset` or `MaskedPreset`.
        data: object with `image_shape`, `num_classes` and `class_names`, such as an `ImageData`.
        start: model to fine-tune, whose body is taken over. Default: None, a new model.
    """
    policy, arguments = preset.dtype_policy(), dict(preset.model)
    with remat_scope() if preset.remat else nullcontext():
        if isinstance(preset, MaskedPreset):
            model = ViT(preset.image_shape(data), num_classes=0, dtype=policy, **arguments)
        elif start is None:
            model = model_class(preset.model_class)(
                image_shape=preset.image_shape(data),
                num_classes=data.num_classes,
                class_names=data.class_names,
                dtype=policy,
                **arguments,
            )
        else:
            changes = {"dtype": policy, **arguments}
            model = with_classes(start, data.num_classes, data.class_names, **changes)
    if preset.remat and not any(isinstance(layer, TransformerBlock) for layer in model.layers):
        raise ValueError(f"`remat` does nothing for {model.name}: it has no TransformerBlock")
    return model


ADAPT_IMAGES = 5000


def adapt_to_images(model: keras.Model, x, seed: int) -> None:
    """Let a model that has `adapt`, such as `ConvViT`, compute its fixed weights.

    Args:
        model: the new model.
        x: uint8 array or `StreamedImages`, the training images `(N, H, W, C)`.
        seed: int, the run's seed, which chooses up to `ADAPT_IMAGES` of the images.
    """
    if not hasattr(model, "adapt"):
        return
    chosen = np.random.default_rng((seed, 0, 2)).permutation(len(x))[:ADAPT_IMAGES]
    model.adapt(resize_images(x[np.sort(chosen)], model.image_shape[:2]))


STATISTICS_BATCHES = 20


def renew_statistics(
    trainer: keras.Model, batches: ShuffledBatches, epochs: int, seed: int
) -> None:
    """Fit the statistics of batch normalisation, if there is any, to averaged weights.

    Args:
        trainer: `AugmentedModel` or `MaskedAutoencoder`, whose weights are the averaged ones.
        batches: the training batches, of which some are augmented as in training.
        epochs: int, number of epochs that were trained. The batches are those of the next one, so
            that a resumed run takes the same.
        seed: int, the run's seed.
    """
    batches.start_epoch(epochs)
    keras.utils.set_random_seed(seed)
    count = min(len(batches), STATISTICS_BATCHES)
    renew_batch_statistics(trainer.model, (trainer.augmented(batches[i][0]) for i in range(count)))


def build_batches(preset, x, y, seed: int, devices=ONE_DEVICE) -> ShuffledBatches:
    """Build the batches of an epoch; with `accumulate`, each is one part of an update's batch.

    Raises:
        ValueError: where there are fewer images than parts.
    """
    part = min(preset.batch_size, len(x)) // preset.accumulate
    if not part:
        raise ValueError(f"{len(x)} images can't be taken in {preset.accumulate} parts")
    return ShuffledBatches(
        x,
        y,
        part,
        seed,
        preset.accumulate,
        preset.steps_per_epoch,
        devices,
        alternating_flip=preset.flip == "alternating",
    )


def augmentation(preset, image_shape) -> list[keras.Layer]:
    """Build the layers that augment the training images, in their order.

    Args:
        preset: the preset.
        image_shape: (height, width, channels) of the images that the model takes.
    """
    layers = []
    if preset.crop_scale:
        layers.append(RandomResizedCrop(*image_shape[:2], preset.crop_scale, preset.crop_ratio))
    if preset.crop_padding:
        layers.append(RandomCrop(preset.crop_padding, fill_mode=preset.crop_fill))
    if preset.flip is True:
        layers.append(
            keras.layers.RandomFlip("horizontal", data_format="channels_last", dtype="float32")
        )
    if preset.affine:
        layers.append(RandomAffine(**preset.affine))
    if preset.auto_augment:
        layers.append(AutoAugment(**preset.auto_augment))
    return layers


def build_trainer(preset, model: keras.Model, steps_per_epoch: int) -> keras.Model:
    """Build the compiled model that trains `model`.

    Args:
        preset: the preset.
        model: the plain model, as `build_model` gives it. With `lora_rank` it gets factors, with
            `frozen` only its head stays trainable.
        steps_per_epoch: int, Keras's steps of an epoch; with `accumulate` each is one part.

    Returns:
        A `MaskedAutoencoder` for a `MaskedPreset`, else an `AugmentedModel`.
    """
    if preset.lora_rank:
        add_lora(model, preset.lora_rank)
    elif preset.frozen:
        freeze_body(model)
    augment = augmentation(preset, model.image_shape)
    if isinstance(preset, MaskedPreset):
        trainer = MaskedAutoencoder(
            model,
            mask_ratio=preset.mask_ratio,
            decoder_dim=preset.decoder_dim,
            decoder_depth=preset.decoder_depth,
            decoder_heads=preset.decoder_heads,
            augment=augment,
        )
        trained, metrics = trainer, None
    else:
        trainer = AugmentedModel(
            model,
            augment=augment,
            mixup=preset.mixup,
            cutmix=preset.cutmix,
            label_smoothing=preset.label_smoothing,
        )
        trained, metrics = model, ["accuracy"]
    trainer.compile(
        build_optimizer(preset, trained, steps_per_epoch),
        metrics=metrics,
        steps_per_execution=steps_per_call(preset, steps_per_epoch),
    )
    return trainer


def steps_per_call(preset, steps_per_epoch: int) -> int:
    """Return the `steps_per_execution` for `compile`."""
    if keras.backend.backend() == "torch":  # Keras refuses more than one there.
        return 1
    return min(preset.steps_per_execution, steps_per_epoch)


def build_optimizer(preset, model: keras.Model, steps_per_epoch: int) -> keras.Optimizer:
    """Build the optimizer of a model's weights, with its schedule."""
    options = {}
    if preset.ema_momentum:
        momentum = preset.ema_momentum ** (1 / preset.accumulate)
        options = {"use_ema": True, "ema_momentum": momentum}
    if preset.accumulate > 1:
        options["gradient_accumulation_steps"] = preset.accumulate
    return optimizer(
        preset.optimizer,
        model,
        step_learning_rate(preset, steps_per_epoch),
        preset.weight_decay,
        preset.layer_decay,
        beta_1=preset.beta_1,
        global_clipnorm=preset.clip_norm,
        **options,
        **preset.optimizer_options,
    )


def step_learning_rate(preset, steps_per_epoch: int):
    """Return the schedule over Keras's steps, of which an update takes `accumulate`."""
    rate = learning_rate(preset, steps_per_epoch // preset.accumulate)
    if preset.accumulate == 1 or isinstance(rate, float):
        return rate
    return EpochSchedule(rate, preset.accumulate)


def learning_rate(preset, steps_per_epoch: int):
    """Return the schedule over updates, or a number where the rate is constant."""
    if preset.schedule == "constant":
        return preset.peak_learning_rate
    if preset.schedule == "exponential_by_epoch":
        return keras.optimizers.schedules.ExponentialDecay(
            preset.peak_learning_rate, steps_per_epoch, preset.epoch_decay, staircase=True
        )
    by_epoch = preset.schedule == "cosine_by_epoch"
    unit = 1 if by_epoch else steps_per_epoch
    total = preset.epochs * unit
    warmup = warmup_linear if preset.schedule == "linear" else warmup_cosine
    schedule = warmup(
        preset.peak_learning_rate,
        total,
        int(min(preset.warmup_epochs * unit, total / 4)),
        preset.final_learning_rate,
    )
    return EpochSchedule(schedule, steps_per_epoch) if by_epoch else schedule
