"""Vision Transformers for KerasTuner."""

import dataclasses
import math
import time

import keras
import keras_tuner

from keras_vit.runs import build
from keras_vit.runs.preset import Preset
from keras_vit.train.batches import ShuffledBatches
from keras_vit.train.epoch_seeds import EpochSeeds
from keras_vit.tuning.budget import DEFAULTS
from keras_vit.tuning.projection import MODEL, Projection, model_arguments
from keras_vit.tuning.space import Space

STRENGTHS = ("mixup", "cutmix")


class ViTHyperModel(keras_tuner.HyperModel):
    """A `keras_tuner.HyperModel` of `ViT`s and of how they are trained.

    ```python
    hypermodel = ViTHyperModel((32, 32, 3), num_classes=10, max_parameters=600_000)
    tuner = keras_tuner.RandomSearch(hypermodel, objective="val_accuracy", max_trials=20)
    tuner.search(x_train, y_train, epochs=5, validation_data=(x_val, y_val))
    best = tuner.get_best_models()[0].model
    ```

    `build` gives a compiled `AugmentedModel`; its `.model` is the plain `ViT`. What KerasTuner
    proposes is first brought within the budgets (`Projection` says how), and the values that were
    built are written back to `hp.values`: no model over a budget is ever trained, and trials and
    Gaussian processes see what was trained. Two proposals may come to the same values; KerasTuner
    alone would train both, `recipes/search.py` draws anew.

    `fit` takes what `model.fit` takes, uint8 images and integer labels, in batches of the base
    preset's size. The learning rate rises over the base preset's warm-up and falls by a cosine
    over the epochs of that call; it stays constant where their number of steps is not known. In
    Hyperband, each round of a trial therefore starts the schedule anew. Beside what Keras logs,
    the history has `parameters`, `flops` (forward, one image) and `seconds` (of the whole fit),
    which the trial keeps.

    Args:
        image_shape: (height, width, channels), 0-255.
        num_classes: of the labels.
        max_parameters: the most parameters a model may have; None: any number.
        max_flops: the most operations of a forward pass on one image, see `forward_flops`; None:
            any number.
        space: the values to choose from, a `Space`; None: its defaults.
        base: a `Preset` for what is not searched, and for the values that a search begins with;
            None: AdamW, CutMix 0.5 and shifts by an eighth of the image.
        class_names: kept with the models.
        jit_compile: as `AugmentedModel.compile` has it. On a CPU with TensorFlow, XLA takes longer
            to compile than short trials win back by it.
        name: as KerasTuner's.
        tunable: as KerasTuner's.

    Raises:
        ValueError: where the least model of the space is over a budget, or the space does not
            fit the images.
    """

    def __init__(
        self,
        image_shape,
        num_classes,
        max_parameters=None,
        max_flops=None,
        space=None,
        base=None,
        class_names=None,
        jit_compile="auto",
        name=None,
        tunable=True,
    ):
        super().__init__(name=name, tunable=tunable)
        self.image_shape = tuple(image_shape)
        self.num_classes = num_classes
        self.class_names = class_names
        self.jit_compile = jit_compile
        self.base = base or default_preset(self.image_shape)
        if self.base.model_class != "ViT":
            raise ValueError(f"The search is over ViTs. Received: {self.base.model_class}")
        images = self.base.image_shape(self)
        self.space = (space or Space()).for_images(images)
        fixed = {**self.base.model, "image_shape": images, "num_classes": num_classes}
        self.projection = Projection(self.space, fixed, max_parameters, max_flops)

    def build(self, hp):
        """A compiled `AugmentedModel` within the budgets; `hp.values` has what was built."""
        hp.values.update(self.projection(self.space.declare(hp, self.defaults())))
        preset = dataclasses.replace(self.preset(hp.values), schedule="constant")
        trainer = build.build_trainer(preset, build.build_model(preset, self), steps_per_epoch=1)
        if self.jit_compile != "auto":
            trainer.jit_compile = self.jit_compile
        # A saved state is taken by an optimizer that has the same variables, which a schedule and
        # a number do not: `fit` sets a schedule, so one is here from the start.
        trainer.optimizer.learning_rate = as_schedule(preset.peak_learning_rate)
        trainer.optimizer.build(trainer.trainable_variables)
        return trainer

    def fit(self, hp, model, x=None, y=None, *args, **kwargs):
        """As `model.fit`, with the learning rate's schedule; called by KerasTuner."""
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

    def defaults(self):
        """The base preset's values of the hyperparameters, by name."""
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

    def preset(self, values):
        """The complete configuration that values stand for, as the recipes take it.

        Args:
            values: of a trial, as they were built, by name.
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


def default_preset(image_shape):
    """What is not searched where the user says nothing of it."""
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


def as_schedule(rate):
    """A learning rate's schedule, also where it is a number."""
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return rate
    return keras.optimizers.schedules.PiecewiseConstantDecay([1], [rate, rate])


def steps_per_epoch(x, y, fit_arguments):
    """Steps of an epoch of `model.fit`; None where its data do not tell."""
    if fit_arguments.get("steps_per_epoch"):
        return fit_arguments["steps_per_epoch"]
    if y is not None:
        images = math.floor(len(x) * (1 - (fit_arguments.get("validation_split") or 0.0)))
        return -(-images // fit_arguments["batch_size"])
    try:
        return len(x)
    except TypeError:
        return None
