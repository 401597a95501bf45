"""The hypermodel that lets KerasTuner search over Vision Transformers and their training."""

import dataclasses
import math
import time
from collections.abc import Sequence

import keras
import keras_tuner
from keras.optimizers.schedules import LearningRateSchedule

from keras_vit.runs import build
from keras_vit.runs.preset import Preset
from keras_vit.train.batches import ShuffledBatches
from keras_vit.train.epoch_seeds import EpochSeeds
from keras_vit.tuning.budget import DEFAULTS
from keras_vit.tuning.projection import MODEL, Projection, model_arguments
from keras_vit.tuning.space import Space

STRENGTHS = ("mixup", "cutmix")


class ViTHyperModel(keras_tuner.HyperModel):
    """A `keras_tuner.HyperModel` of `ViT`s and of their training.

    ```python
    hypermodel = ViTHyperModel((32, 32, 3), num_classes=10, max_parameters=600_000)
    tuner = keras_tuner.RandomSearch(hypermodel, objective="val_accuracy", max_trials=20)
    tuner.search(x_train, y_train, epochs=5, validation_data=(x_val, y_val))
    best = tuner.get_best_models()[0].model
    ```

    `build` returns a compiled `AugmentedModel`, whose `.model` is the plain `ViT`. It first
    changes KerasTuner's proposal until the model is within the budgets (see `Projection`), and
    writes the changed values back to `hp.values`. So no model over a budget is ever trained, and
    the trials and the Gaussian process of Bayesian optimization know the values that were trained.
    Two proposals may end at the same values. KerasTuner alone would train both; the search of
    `keras-vit search` draws another proposal instead.

    `fit` takes the arguments of `model.fit`: uint8 images and integer labels, in batches of the
    base preset's size. The learning rate rises over the base preset's warm-up and falls by a
    cosine over the epochs of that call. It stays constant where the number of steps is not known.
    Each round of a Hyperband trial therefore starts the schedule again. The history has Keras's
    logs and also `parameters`, `flops` (of the forward pass on one image) and `seconds` (of the
    whole fit), which KerasTuner stores in the trial.

    Args:
        image_shape: tuple of ints, (height, width, channels) of images with values 0-255.
        num_classes: int, number of classes.
        max_parameters: int or None, the most parameters of a model. None: no limit. Default: None.
        max_flops: int or None, the most operations of a forward pass on one image, as
            `forward_flops` counts them. None: no limit. Default: None.
        space: `Space` or None, the values to choose from. None: `Space()`. Default: None.
        base: `Preset` or None, gives everything that is not searched, and the values that a search
            begins with. None: AdamW, CutMix 0.5 and shifts by an eighth of the image. Default:
            None.
        class_names: list of str or None, names that are stored in the models. Default: None.
        jit_compile: bool or "auto", as in `AugmentedModel.compile`. On a CPU with TensorFlow, XLA
            compiles for longer than a short trial gains by it. Default: "auto".
        name: str or None, as in `keras_tuner.HyperModel`. Default: None.
        tunable: bool, as in `keras_tuner.HyperModel`. Default: True.

    Raises:
        ValueError: if the smallest model of the space is over a budget, if the space does not fit
            the images, or if the base preset is not of a `ViT`.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_classes: int,
        max_parameters: int | None = None,
        max_flops: int | None = None,
        space: Space | None = None,
        base: Preset | None = None,
        class_names: Sequence[str] | None = None,
        jit_compile: bool | str = "auto",
        name: str | None = None,
        tunable: bool = True,
    ) -> None:
        super().__init__(name=name, tunable=tunable)
        self.image_shape = tuple(image_shape)
        self.num_classes = num_classes
        self.class_names = class_names
        self.jit_compile = jit_compile
        self.base = base or default_preset(self.image_shape)
        if self.base.model_class != "ViT":
            raise ValueError(
                "`base` must be a preset of a ViT, because a search varies ViTs only. "
                f"Received: base.model_class={self.base.model_class!r}"
            )
        images = self.base.image_shape(self)
        self.space = (space or Space()).for_images(images)
        fixed = {**self.base.model, "image_shape": images, "num_classes": num_classes}
        self.projection = Projection(self.space, fixed, max_parameters, max_flops)

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Build a compiled `AugmentedModel` within the budgets.

        Args:
            hp: `keras_tuner.HyperParameters`; afterwards `hp.values` holds the values of the model
                that was built.
        """
        hp.values.update(self.projection(self.space.declare(hp, self.defaults())))
        preset = dataclasses.replace(self.preset(hp.values), schedule="constant")
        trainer = build.build_trainer(preset, build.build_model(preset, self), steps_per_epoch=1)
        if self.jit_compile != "auto":
            trainer.jit_compile = self.jit_compile
        # An optimizer has one variable fewer with a schedule than with a number as learning rate,
        # and loads only a state with the same variables. `fit` sets a schedule, so the optimizer
        # has one from the start.
        trainer.optimizer.learning_rate = as_schedule(preset.peak_learning_rate)
        trainer.optimizer.build(trainer.trainable_variables)
        return trainer

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        x=None,
        y=None,
        *args,
        **kwargs,
    ) -> keras.callbacks.History:
        """Train a model of `build` by `model.fit`, with the schedule of the learning rate.

        KerasTuner calls this method.

        Args:
            hp: `keras_tuner.HyperParameters`, the values that the model was built with.
            model: `AugmentedModel`, as `build` returns it.
            x: images or batches, as in `model.fit`.
            y: integer labels, or None where `x` holds batches. Default: None.
            *args: further arguments of `model.fit`.
            **kwargs: further arguments of `model.fit`.

        Returns:
            The history of `model.fit`, with `parameters`, `flops` and `seconds` for each epoch.
        """
        preset = self.preset(hp.values)
        if y is not None:
            kwargs.setdefault("batch_size", min(preset.batch_size, len(x)) // preset.accumulate)
        callbacks = list(kwargs.pop("callbacks", None) or ())
        if isinstance(x, ShuffledBatches):
            callbacks.insert(0, EpochSeeds(x.seed, x))
            kwargs["shuffle"] = False
        epochs = kwargs.get("epochs", 1) - kwargs.get("initial_epoch", 0)
        steps = steps_per_epoch(x, y, kwargs)
        if steps and epochs > 0:
            preset = dataclasses.replace(preset, epochs=epochs)
            model.optimizer.learning_rate = as_schedule(build.step_learning_rate(preset, steps))
            model.optimizer.iterations.assign(0)
        started = time.perf_counter()
        history = model.fit(x, y, *args, callbacks=callbacks, **kwargs)
        seconds = time.perf_counter() - started
        parameters, flops = model.model.count_params(), self.projection.cost(hp.values)[1]
        for name, cost in (("parameters", parameters), ("flops", flops), ("seconds", seconds)):
            history.history[name] = [float(cost)] * len(history.epoch)
        return history

    def defaults(self) -> dict:
        """Return the base preset's value of each hyperparameter, by name."""
        base = self.base
        model = {**DEFAULTS, **base.model}
        return {
            **{name: "none" if model[name] is None else model[name] for name in MODEL},
            "learning_rate": base.peak_learning_rate,
            "weight_decay": base.weight_decay,
            "augmentation": 1.0,
            "flip": base.flip,
            "label_smoothing": base.label_smoothing,
        }

    def preset(self, values: dict) -> Preset:
        """Return the complete preset of a trial, which a recipe can train.

        Args:
            values: dict, each hyperparameter's value by name, as the trial built it.
        """
        strength = values["augmentation"]
        changes = {name: strength * getattr(self.base, name) for name in STRENGTHS}
        if not strength:
            changes |= {"affine": None, "auto_augment": None}
        return dataclasses.replace(
            self.base,
            model={**self.base.model, **model_arguments(values)},
            peak_learning_rate=values["learning_rate"],
            weight_decay=values["weight_decay"],
            label_smoothing=values["label_smoothing"],
            crop_padding=round(strength * self.base.crop_padding),
            flip=bool(values["flip"]),
            **changes,
        )


COMPACT = {"depth": 4, "hidden_dim": 128, "num_heads": 4, "mlp_dim": 256, "patch_size": 4}


def default_preset(image_shape: tuple[int, int, int]) -> Preset:
    """Return the base preset of a search whose user names none."""
    return Preset(
        summary="a compact ViT",
        expect="nothing measured",
        epochs=1,
        peak_learning_rate=1e-3,
        warmup_epochs=1,
        crop_padding=max(1, min(image_shape[:2]) // 8),
        cutmix=0.5,
        model=COMPACT,
    )


def as_schedule(rate: float | LearningRateSchedule) -> LearningRateSchedule:
    """Return a schedule unchanged, and a number as a schedule that is constant."""
    if isinstance(rate, LearningRateSchedule):
        return rate
    return keras.optimizers.schedules.PiecewiseConstantDecay([1], [rate, rate])


def steps_per_epoch(x, y, fit_arguments: dict) -> int | None:
    """Return the number of steps of an epoch of `model.fit`, or None where the data has no length.

    Args:
        x: images or batches, as in `model.fit`.
        y: labels, or None where `x` holds batches.
        fit_arguments: dict, the keyword arguments of `model.fit`.
    """
    if fit_arguments.get("steps_per_epoch"):
        return fit_arguments["steps_per_epoch"]
    if y is not None:
        images = math.floor(len(x) * (1 - (fit_arguments.get("validation_split") or 0.0)))
        return -(-images // fit_arguments["batch_size"])
    try:
        return len(x)
    except TypeError:
        return None
