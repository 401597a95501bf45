"""One training run, from the flags to the pictures."""

import dataclasses
import math
import os
import time

import keras
import numpy as np

from keras_vit.data.resizing import resize_images
from keras_vit.files import whole_file, write_json
from keras_vit.hardware import check_can_train, device_kind
from keras_vit.inspection.attention_picture import attention_picture
from keras_vit.inspection.classifier import Classifier, as_probabilities
from keras_vit.inspection.confusion import confusion_picture
from keras_vit.inspection.curves import curves_picture
from keras_vit.inspection.pictures import Subject
from keras_vit.inspection.report import write_report
from keras_vit.training.batches import at_model_size
from keras_vit.training.best_epoch import load_best_epoch
from keras_vit.training.callbacks import read_history
from keras_vit.training.config_file import naming_preset
from keras_vit.training.distribution import (
    bring_home,
    check_can_clip,
    check_can_distribute,
    distributed,
    join_hosts,
)
from keras_vit.training.fitting import BadLoss, fit
from keras_vit.training.linear_probe import check_all_classes, fit_linear_probe
from keras_vit.training.lora import without_lora
from keras_vit.training.run_data import naming_unreadable, refuse_other_data, run_data
from keras_vit.training.run_folder import RunFolder, own_folder
from keras_vit.training.settings import (
    announce,
    kept_preset,
    kept_settings,
    may_resume,
    new_settings,
    preset_name,
    refuse_other_settings,
)
from keras_vit.training.starting_model import keep_starting_model, starting_model
from keras_vit.training.termination import Termination
from keras_vit.training.time_limit import within_time


class RunFailed(Exception):
    """Ends a run with a message for its user."""


def run(recipe, flags, arguments):
    """Trains a recipe and leaves its run folder behind.

    Args:
        recipe: a `Recipe`.
        flags: what `recipe_parser` parsed.
        arguments: the command's own words, to be written down.

    Returns:
        The dict of `metrics.json`; None for a run that had been finished before.

    Raises:
        RunFailed: for input, data or a disk that can't be used, or a loss that is not finite.
        Terminated: where SIGTERM came; what was done is saved.
    """
    began = time.monotonic()
    try:
        check_can_train()
        process = join_hosts()  # first of all: what it sets up takes SIGTERM for itself
        with Termination() as termination:
            return carry_out(recipe, flags, arguments, process, termination, began)
    except (ValueError, OSError, MemoryError) as error:
        raise RunFailed(str(error) or "there is not enough memory") from error


def carry_out(recipe, flags, arguments, process, termination, began):
    folder = RunFolder(flags.out or recipe.folder(preset_name(recipe, flags)))
    with own_folder(folder, process, flags.resume) as folder:
        return carry_out_in(folder, recipe, flags, arguments, termination, began)


def carry_out_in(folder, recipe, flags, arguments, termination, began):
    resuming = may_resume(flags, folder)
    if not resuming:
        settings = new_settings(recipe, flags, arguments)
    else:
        settings = kept_settings(folder, recipe.name)
        refuse_other_settings(flags, settings, folder)
        if folder.finished():
            print(f"{recipe.name}: {folder.path} holds the finished run; nothing to do")
            folder.tidy()
            return None
        settings["data_dir"] = flags.data_dir or settings.get("data_dir")  # data may move
    preset = kept_preset(recipe, settings, folder)
    check_can_distribute(settings, preset)
    announce(recipe, settings, preset)
    kind, part = settings.get("distribute"), preset.batch_size // preset.accumulate
    with distributed(kind, part) as devices:
        check_can_clip(preset, devices)
        trainer, images, preset, trained = train(
            recipe, flags, settings, preset, folder, resuming, devices, termination, began
        )
    if kind:
        bring_home(trainer)
    ending = recipe.finish or finish
    with naming_unreadable(images):
        return ending(recipe, trainer, images, preset, settings, trained, folder)


def train(recipe, flags, settings, preset, folder, resuming, devices, termination, began):
    """Builds all that a run needs and trains it, on the devices.

    Returns:
        The trainer, the `RunData`, the preset, which a time limit may have changed, and what
        `metrics.json` says of the training.
    """
    start = starting_model(settings, folder, resuming)
    images = run_data(settings, preset, start)
    data = images.data
    refuse_other_data(settings, images, folder)
    if resuming:
        folder.keep(settings)

    def build_model():
        with naming_preset(settings.get("config")):
            return preset.build_model(data, start)

    with naming_preset(settings.get("config")):
        preset.augmentation(preset.image_shape(data))
    if flags.time_limit and not resuming:
        seconds = 60 * flags.time_limit - (time.monotonic() - began)
        looked_at = len(images.validation[0])
        settings["epochs"] = preset.epochs  # as asked for; --resume compares with these
        preset = within_time(preset, build_model, data, looked_at, seconds)
        settings["preset"] = dataclasses.asdict(preset)
        print(
            f"{recipe.name}: {preset.epochs} epochs of {preset.steps_per_epoch} batches end "
            f"within {flags.time_limit:g} minutes here"
        )
    keras.utils.set_random_seed(settings["seed"])
    model = build_model()
    batches = preset.batches(*data.train, settings["seed"], devices)
    trainer = preset.build_trainer(model, len(batches))
    for layer in trainer.augment:  # images that it can't take are refused before all else
        layer.compute_output_shape((batches.batch_size, *data.image_shape))
    if preset.linear_probe:
        check_all_classes(data.y_train, data.class_names)
    if not resuming:
        folder.start(settings)
        if start is not None:
            keep_starting_model(start, folder)

    print(
        f"{recipe.name}: {model.count_params():,} parameters, {len(data.x_train):,} training and "
        f"{len(data.x_test):,} test images of {'x'.join(map(str, data.image_shape))}"
    )
    if preset.linear_probe:
        with naming_unreadable(images):
            trained = fit_linear_probe(model, at_model_size(model, *data.train), settings["seed"])
    else:
        held_out, seed = images.validation, settings["seed"]
        try:
            with naming_unreadable(images):
                fit(trainer, batches, held_out, preset, seed, folder, termination, flags.save_every)
        except BadLoss as error:
            save_model(without_lora(trainer.model), folder)
            folder.drop_checkpoint()
            raise RunFailed(f"{error} are in {folder.model}") from error
        trained = as_trained(trainer, preset, batches, folder)
    if settings.get("distribute"):
        trained["distributed"] = {"kind": settings["distribute"], **devices._asdict()}
    if start is not None:
        trained = {"checkpoint": settings["checkpoint"], **trained}
    return trainer, images, preset, trained


def as_trained(trainer, preset, batches, folder):
    """What `metrics.json` says of the training alone."""
    seconds = sum(float(row["seconds"]) for row in read_history(folder.history))
    images = preset.epochs * len(batches) * batches.batch_size
    return {
        "epochs": preset.epochs,
        "trained_parameters": sum(math.prod(v.shape) for v in trainer.trainable_variables),
        "seconds": round(seconds, 1),
        "images_per_second": round(images / seconds, 1),
    }


def finish(recipe, trainer, images, preset, settings, trained, folder):
    """Tests the model, saves it, draws the pictures; `metrics.json` comes last."""
    model, data = without_lora(trainer.model), images.data
    rows = read_history(folder.history)
    best = None
    if preset.best_epoch_from is not None:
        best = load_best_epoch(model, folder.checkpoint, rows, preset.best_epoch_from)
    print(f"{recipe.name}: testing, saving and drawing")
    logits = model.predict(at_model_size(model, *data.test))
    predicted = logits.argmax(axis=1)
    log_shares = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    metrics = {
        "test_accuracy": float(np.mean(predicted == data.y_test)),
        "test_loss": float(-np.mean(log_shares[np.arange(len(logits)), data.y_test])),
        "parameters": model.count_params(),
        **trained,
        **({"best_epoch": best} if best else {}),
        **circumstances(settings, data),
    }
    save_model(model, folder)
    pictures = [folder.confusion]
    if rows:
        curves_picture(rows, folder.curves, images.name)
        pictures.insert(0, folder.curves)
    confusion_picture(data.y_test, predicted, data.class_names, folder.confusion)
    if hasattr(model, "class_token"):  # a Transformer on patches
        first = resize_images(data.x_test[:8], tuple(model.image_shape[:2]))
        attention_picture(model, first, data.y_test[:8], folder.attention)
        pictures.append(folder.attention)
    subject = Subject(
        Classifier(model, data.class_names),
        *data.test,
        as_probabilities(logits),
        rows,
        images.name,
        preset.auto_augment,
    )
    write_report(folder.report, recipe.name, subject, metrics, ready=pictures)
    write_json(folder.metrics, metrics)
    folder.tidy()
    print(
        f"{recipe.name}: {metrics['test_accuracy']:.2%} of {len(data.x_test):,} test images right "
        f"after {trained['seconds']:.0f} s of training"
    )
    for file in (*pictures, folder.report):
        print(f"{recipe.name}: see {file}")
    return metrics


def circumstances(settings, data):
    """What `metrics.json` says of every run."""
    return {
        "preset": settings["preset_name"],
        "seed": settings["seed"],
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "device": f"{device_kind()}, {os.cpu_count()} cores",
        "training_images": len(data.x_train),
        "test_images": len(data.x_test),
        "command": settings["command"],
    }


def save_model(model, folder):
    with whole_file(folder.model) as draft:
        model.save(draft)
