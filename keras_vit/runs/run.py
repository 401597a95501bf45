"""One run: from its specification to `metrics.json`."""

import contextlib
import math
import os
import time

import keras

from keras_vit.backend.supported import check_can_train
from keras_vit.report.figures import check_can_draw
from keras_vit.runs import build
from keras_vit.runs.bad_loss import BadLoss
from keras_vit.runs.finish_classifier import finish_classifier, save_model
from keras_vit.runs.finish_pretraining import finish_pretraining
from keras_vit.runs.fit import fit
from keras_vit.runs.folder import RunFolder, own_folder
from keras_vit.runs.history import read_history
from keras_vit.runs.images import check_same_images, load_images, naming_unreadable
from keras_vit.runs.preset_file import naming_preset
from keras_vit.runs.spec import RunSpec
from keras_vit.runs.starting_model import keep_starting_model, starting_model
from keras_vit.runs.termination import Termination
from keras_vit.runs.time_limit import within_time
from keras_vit.train.batches import at_model_size
from keras_vit.train.devices import ONE_DEVICE
from keras_vit.train.distribution import (
    bring_home,
    check_can_clip,
    check_can_distribute,
    distributed,
    join_hosts,
)
from keras_vit.train.linear_probe import check_all_classes, fit_linear_probe
from keras_vit.train.lora import without_lora


class RunFailed(Exception):
    """Ends a run with a message for its user."""


def run(
    spec: RunSpec,
    out: str | os.PathLike,
    resume: bool = False,
    overwrite: bool = False,
    save_every: int | None = None,
    announce=None,
) -> dict | None:
    """Carry out a run and leave its folder behind.

    Args:
        spec: what to do. With `resume`, what the folder says is done instead, and the fields that
            are `explicit` in `spec` are compared with it.
        out: str or path, the run's folder.
        resume: bool, whether to go on with a run in the folder. Default: False.
        overwrite: bool, whether to replace a run in the folder. Default: False.
        save_every: int, steps after which a checkpoint is written within an epoch. Default: None,
            at the end of an epoch alone.
        announce: function of the final `RunSpec`, called before any data are read.
            Default: None, nothing is announced.

    Returns:
        The dict of `metrics.json`; None for a run that was finished before.

    Raises:
        RunFailed: for input, data or a disk that can't be used, or a loss that is not finite.
        Terminated: where SIGTERM came; what was done is saved.
    """
    began = time.monotonic()
    try:
        check_can_train()
        check_can_draw()
        process = join_hosts()  # First of all: JAX's own set-up takes SIGTERM for itself.
        with (
            Termination() as termination,
            own_folder(RunFolder(out), process, resume) as folder,
        ):
            resuming = folder.may_resume(resume, overwrite)
            if resuming:
                spec = resumed_spec(spec, folder)
                if folder.finished():
                    print(f"{spec.recipe}: {folder.path} holds the finished run; nothing to do")
                    folder.tidy()
                    return None
            else:
                spec.check_can_start(save_every)
            check_can_distribute(spec.distribute, spec.preset.linear_probe, spec.time_limit)
            if announce:
                announce(spec)
            return Run(spec, folder, resuming, termination, save_every, began).carry_out()
    except (ValueError, OSError, MemoryError, ImportError) as error:
        raise RunFailed(str(error) or "there is not enough memory") from error


def resumed_spec(asked: RunSpec, folder: RunFolder) -> RunSpec:
    """Return the specification in the folder, which `asked` must not contradict.

    Only the place of the data may be another one.
    """
    values = folder.read_config()
    whose = values.get("recipe", asked.recipe) if isinstance(values, dict) else asked.recipe
    if whose != asked.recipe:
        raise ValueError(f"{folder.path} holds a run of {whose}, which {asked.recipe} can't resume")
    kept = RunSpec.from_json(values, folder.config, asked.recipe)
    kept.refuse_changes(asked, folder.path)
    return kept.replace(data_dir=asked.data_dir or kept.data_dir)


class Run:
    """A run that is under way.

    Args:
        spec: the `RunSpec`.
        folder: its `RunFolder`, kept to this process.
        resuming: bool, whether the folder holds the begin of this run.
        termination: the `Termination` that may ask for an end.
        save_every: int or None, steps between checkpoints within an epoch.
        began: float, `time.monotonic()` when the command began; the time limit counts from it.

    Attributes:
        images: `RunImages`, after `prepare`.
        trainer: the compiled model, after `prepare`.
        facts: dict, what `metrics.json` says of the training, after `train`.
    """

    def __init__(self, spec, folder, resuming=False, termination=None, save_every=None, began=None):
        self.spec = spec
        self.folder = folder
        self.resuming = resuming
        self.termination = termination
        self.save_every = save_every
        self.began = time.monotonic() if began is None else began
        self.devices = ONE_DEVICE

    def carry_out(self) -> dict:
        """Prepare, train and finish; returns the dict of `metrics.json`."""
        spec, preset = self.spec, self.spec.preset
        part = preset.batch_size // preset.accumulate
        with distributed(spec.distribute, part) as self.devices:
            check_can_clip(preset.clip_norm, self.devices)
            self.prepare()
            self.train()
        if spec.distribute:
            bring_home(self.trainer)
        with naming_unreadable(self.images):
            return self.finish()

    def prepare(self) -> None:
        """Load images and model, fit the time limit, and write the folder of a new run."""
        start = starting_model(self.spec, self.folder, self.resuming)
        self.images = load_images(self.spec, start)
        self.spec = check_same_images(self.spec, self.images, self.folder.path)
        if self.resuming:
            self.folder.write_spec(self.spec)
        data = self.images.data
        with naming_preset(self.spec.config):
            build.augmentation(self.spec.preset, self.spec.preset.image_shape(data))
        if self.spec.time_limit and not self.resuming:
            self.limit_time(start)
        keras.utils.set_random_seed(self.spec.seed)
        model = self.build_model(start)
        if start is None:
            build.adapt_to_images(model, data.x_train, self.spec.seed)
        preset = self.spec.preset
        self.batches = build.build_batches(preset, *data.train, self.spec.seed, self.devices)
        self.trainer = build.build_trainer(preset, model, len(self.batches))
        for layer in self.trainer.augment:  # Refuse images that it can't take before all else.
            layer.compute_output_shape((self.batches.batch_size, *data.image_shape))
        if preset.linear_probe:
            check_all_classes(data.y_train, data.class_names)
        if not self.resuming:
            self.folder.start(self.spec)
            if start is not None:
                keep_starting_model(start, self.folder)
        print(
            f"{self.spec.recipe}: {model.count_params():,} parameters, {len(data.x_train):,} "
            f"training and {len(data.x_test):,} test images of "
            f"{'x'.join(map(str, data.image_shape))}"
        )

    def build_model(self, start) -> keras.Model:
        """Build the plain model; a preset out of a file is named where it builds none."""
        with naming_preset(self.spec.config):
            return build.build_model(self.spec.preset, self.images.data, start)

    def limit_time(self, start) -> None:
        """Cut the preset's epochs so that the run ends within its time limit on this machine."""
        spec = self.spec
        preset = within_time(
            spec.preset,
            lambda: self.build_model(start),
            self.images.data,
            len(self.images.validation[0]),
            60 * spec.time_limit - (time.monotonic() - self.began),
        )
        self.spec = spec.replace(preset=preset, epochs_asked=spec.preset.epochs)
        print(
            f"{spec.recipe}: {preset.epochs} epochs of {preset.steps_per_epoch} batches end "
            f"within {spec.time_limit:g} minutes here"
        )

    def train(self) -> None:
        """Train to the last epoch, or fit the linear probe."""
        spec, preset = self.spec, self.spec.preset
        if preset.linear_probe:
            model = self.trainer.model
            batches = at_model_size(model, *self.images.data.train)
            with naming_unreadable(self.images):
                facts = fit_linear_probe(model, batches, spec.seed)
        else:
            with self.saving_good_weights(), naming_unreadable(self.images):
                fit(
                    self.trainer,
                    self.batches,
                    self.images.validation,
                    preset,
                    spec.seed,
                    self.folder,
                    self.termination,
                    self.save_every,
                    spec.recipe,
                )
                if preset.ema_momentum and preset.best_epoch_from is None:
                    build.renew_statistics(self.trainer, self.batches, preset.epochs, spec.seed)
            facts = self.training_facts()
        if spec.distribute:
            facts["distributed"] = {"kind": spec.distribute, **self.devices._asdict()}
        if spec.checkpoint is not None:
            facts = {"checkpoint": spec.checkpoint, **facts}
        self.facts = facts

    @contextlib.contextmanager
    def saving_good_weights(self):
        """Save the last good weights where the loss of the block is not finite."""
        try:
            yield
        except BadLoss as error:
            save_model(without_lora(self.trainer.model), self.folder)
            self.folder.drop_checkpoint()
            raise RunFailed(f"{error} are in {self.folder.model}") from error

    def training_facts(self) -> dict:
        """Return what `metrics.json` says of the training alone."""
        epochs, batches = self.spec.preset.epochs, self.batches
        seconds = sum(float(row["seconds"]) for row in read_history(self.folder.history))
        trained = self.trainer.trainable_variables
        return {
            "epochs": epochs,
            "trained_parameters": sum(math.prod(v.shape) for v in trained),
            "seconds": round(seconds, 1),
            "images_per_second": round(epochs * len(batches) * batches.batch_size / seconds, 1),
        }

    def finish(self) -> dict:
        """Test, save and draw; `metrics.json` comes last and is returned."""
        ending = finish_pretraining if self.spec.pretrains else finish_classifier
        return ending(self.spec, self.folder, self.images, self.trainer, self.facts)
