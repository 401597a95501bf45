"""One training run, from the flags to the pictures."""

import dataclasses
import os
import shlex
import warnings

import keras
import numpy as np

from keras_vit.data import UnreadableImagesWarning, load_data
from keras_vit.files import whole_file, write_json
from keras_vit.inspection.attention_picture import attention_picture
from keras_vit.inspection.classifier import Classifier, as_probabilities
from keras_vit.inspection.confusion import confusion_picture
from keras_vit.inspection.curves import curves_picture
from keras_vit.inspection.pictures import Subject
from keras_vit.inspection.report import write_report
from keras_vit.training.batches import ShuffledBatches
from keras_vit.training.callbacks import EpochSeeds, HistoryFile, StopOnBadLoss, read_history
from keras_vit.training.checkpoint import Checkpoint
from keras_vit.training.devices import device_kind
from keras_vit.training.preset import Preset
from keras_vit.training.run_folder import RunFolder

TEST_BATCH = 512


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
    """
    try:
        return carry_out(recipe, flags, arguments)
    except (ValueError, OSError) as error:
        raise RunFailed(error) from error


def carry_out(recipe, flags, arguments):
    folder = RunFolder(flags.out)
    resuming = may_resume(flags, folder)
    settings = folder.settings() if resuming else new_settings(recipe, flags, arguments)
    if resuming:
        refuse_other_settings(flags, settings)
        if folder.finished():
            print(f"{recipe.name}: {folder.path} holds the finished run; nothing to do")
            return None
    preset = Preset(**settings["preset"])
    announce(recipe, settings, preset)
    data = load(settings)
    keras.utils.set_random_seed(settings["seed"])
    model = preset.build_model(data)
    batch_size = min(preset.batch_size, len(data.x_train))
    batches = ShuffledBatches(*data.train, batch_size, settings["seed"])
    trainer = preset.build_trainer(model, len(batches))
    for layer in trainer.augment:  # images that it can't take are refused before all else
        layer.compute_output_shape((batch_size, *data.image_shape))
    if not resuming:
        folder.start(settings)

    print(
        f"{recipe.name}: {model.count_params():,} parameters, {len(data.x_train):,} training and "
        f"{len(data.x_test):,} test images of {'x'.join(map(str, data.image_shape))}"
    )
    fit(trainer, batches, data, preset, settings["seed"], folder)
    return finish(recipe, trainer, data, preset, settings, batches, folder)


def may_resume(flags, folder):
    """Whether there is a run to go on with; an error where one is in the way."""
    if flags.resume and flags.overwrite:
        raise ValueError("--resume and --overwrite exclude each other")
    if folder.holds_something() and not flags.resume and not flags.overwrite:
        raise ValueError(
            f"{folder.path} holds a run: go on with --resume, replace it with --overwrite, "
            "or name another folder with --out"
        )
    return flags.resume and folder.holds_something()


def new_settings(recipe, flags, arguments):
    """What a new run is to do: the preset for this device, with the flags' changes."""
    name = flags.preset or (recipe.on_cpu if device_kind() == "cpu" else recipe.on_gpu)
    changes = {
        key: getattr(flags, key)
        for key in ("epochs", "batch_size", "dtype")
        if getattr(flags, key) is not None
    }
    preset = dataclasses.replace(recipe.presets[name], **changes)
    words = [word for word in arguments if word not in ("--resume", "--overwrite")]
    return {
        "recipe": recipe.name,
        "command": shlex.join(["python", f"recipes/{recipe.name}.py", *words]),
        "preset_name": name,
        "as_measured": not changes and flags.limit is None and flags.data is None,
        "preset": dataclasses.asdict(preset),
        "data": flags.data or recipe.data,
        "data_dir": flags.data_dir,
        "image_size": flags.image_size,
        "skip_bad": flags.skip_bad,
        "limit": flags.limit,
        "seed": flags.seed or 0,
    }


def refuse_other_settings(flags, settings):
    """A run goes on with what it began with; a flag that says otherwise is an error."""
    known = {**settings["preset"], **settings, "preset": settings["preset_name"]}
    for key in ("preset", "data", "image_size", "epochs", "batch_size", "limit", "dtype", "seed"):
        given = getattr(flags, key)
        if given is not None and given != known[key]:
            raise ValueError(
                f"the run in {flags.out} has {key}={known[key]}; --resume can't change it "
                f"to {given}"
            )


def announce(recipe, settings, preset):
    """Says what is going to be run, what to expect and how to choose otherwise."""
    name = settings["preset_name"]
    print(
        f"{recipe.name}: preset {name} ({preset.summary}) for this {device_kind()}, "
        f"{keras.backend.backend()} backend"
    )
    measured = "expect" if settings["as_measured"] else "without your changes, expect"
    print(f"{recipe.name}: {measured} {preset.expect}")
    others = [other for other in recipe.presets if other != name]
    if others:
        print(f"{recipe.name}: or choose with --preset {'|'.join(others)} (see --help)")


def load(settings):
    """The data; with a limit, that many training images."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnreadableImagesWarning)
        data = load_data(
            settings["data"],
            data_dir=settings["data_dir"],
            image_size=settings["image_size"],
            seed=settings["seed"],
            skip_bad=settings["skip_bad"],
        )
    for warning in caught:
        if issubclass(warning.category, UnreadableImagesWarning):
            print(f"{settings['recipe']}: {warning.message}")
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    limit = settings["limit"]
    if limit is not None and limit < len(data.x_train):
        order = np.random.default_rng(settings["seed"]).permutation(len(data.x_train))
        chosen = np.sort(order[:limit])
        data = data._replace(x_train=data.x_train[chosen], y_train=data.y_train[chosen])
    return data


def fit(trainer, batches, data, preset, seed, folder):
    """Trains to the last epoch; a checkpoint after each one."""
    checkpoint = Checkpoint(folder.checkpoint)
    done = checkpoint.restore(trainer)
    stop = StopOnBadLoss(done)
    trainer.fit(
        batches,
        initial_epoch=done,
        epochs=preset.epochs,
        shuffle=False,  # the batches come shuffled; Keras would shuffle them by a seed of its own
        validation_data=data.test,
        validation_batch_size=even_batch(len(data.x_test)),
        validation_freq=max(1, preset.epochs // 10),
        # The checkpoint last: an epoch that it holds has its row in the history.
        callbacks=[EpochSeeds(seed, batches), stop, HistoryFile(folder.history, done), checkpoint],
    )
    if stop.failed:
        save_model(trainer.model, folder)
        folder.drop_checkpoint()
        raise RunFailed(
            f"the loss was not finite in epoch {stop.failed}: training stopped; the weights "
            f"after epoch {stop.good_epoch} are in {folder.model}"
        )


def finish(recipe, trainer, data, preset, settings, batches, folder):
    """Tests the model, saves it, draws the pictures; `metrics.json` comes last."""
    model = trainer.model
    print(f"{recipe.name}: testing, saving and drawing")
    logits = model.predict(data.x_test, batch_size=even_batch(len(data.x_test)), verbose=0)
    predicted = logits.argmax(axis=1)
    log_shares = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    rows = read_history(folder.history)
    seconds = sum(float(row["seconds"]) for row in rows)
    metrics = {
        "test_accuracy": float(np.mean(predicted == data.y_test)),
        "test_loss": float(-np.mean(log_shares[np.arange(len(logits)), data.y_test])),
        "parameters": model.count_params(),
        "epochs": preset.epochs,
        "preset": settings["preset_name"],
        "seed": settings["seed"],
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "device": f"{device_kind()}, {os.cpu_count()} cores",
        "training_images": len(data.x_train),
        "test_images": len(data.x_test),
        "seconds": round(seconds, 1),
        "images_per_second": round(preset.epochs * len(batches) * batches.batch_size / seconds, 1),
        "command": settings["command"],
    }
    save_model(model, folder)
    curves_picture(rows, folder.curves)
    confusion_picture(data.y_test, predicted, data.class_names, folder.confusion)
    attention_picture(model, data.x_test[:8], data.y_test[:8], folder.attention)
    subject = Subject(
        Classifier(model, data.class_names),
        *data.test,
        as_probabilities(logits),
        rows,
        preset.auto_augment,
    )
    pictures = (folder.curves, folder.confusion, folder.attention)
    write_report(folder.report, recipe.name, subject, metrics, ready=pictures)
    write_json(folder.metrics, metrics)
    folder.drop_checkpoint()
    print(
        f"{recipe.name}: {metrics['test_accuracy']:.2%} of {len(data.x_test):,} test images right "
        f"after {seconds:.0f} s of training"
    )
    for file in (*pictures, folder.report):
        print(f"{recipe.name}: see {file}")
    return metrics


def save_model(model, folder):
    with whole_file(folder.model) as draft:
        model.save(draft)


def even_batch(count):
    """A batch size of at most `TEST_BATCH` that makes the batches as equal as can be."""
    return -(-count // -(-count // TEST_BATCH))
