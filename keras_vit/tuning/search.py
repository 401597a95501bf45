"""One search, from the flags to the retrained winner."""

import dataclasses
import os
import shlex
from pathlib import Path

import keras

from keras_vit.files import write_json
from keras_vit.hardware import check_can_train, device_kind
from keras_vit.training.batches import ResizedBatches, even_batch
from keras_vit.training.config_file import write_preset
from keras_vit.training.preset import Preset
from keras_vit.training.run import RunFailed
from keras_vit.training.run_data import load, refuse_other_data, split_data
from keras_vit.training.settings import kept_settings, may_resume, refuse_changes
from keras_vit.tuning.hypermodel import ViTHyperModel
from keras_vit.tuning.pictures import effects_picture, parallel_picture, pareto_picture
from keras_vit.tuning.retrain import retrain
from keras_vit.tuning.roles import role_of_this_process
from keras_vit.tuning.search_folder import SearchFolder
from keras_vit.tuning.table import print_table, trial_rows, write_table
from keras_vit.tuning.tuner import make_tuner
from keras_vit.tuning.worker import wait_for_chief

FOLDER = Path("saved_models", "search")
DEFAULTS = {"data": "cifar10", "tuner": "random", "trials": 20, "epochs": 5, "seed": 0}
FIXED = ("data", "image_size", "skip_bad", "stream", "limit", "validation_images", "batch_size")
FIXED += ("tuner", "trials", "epochs", "max_parameters", "max_flops", "retrain_epochs", "seed")
FIXED += ("config",)
KEPT = (*FIXED, "data_dir")


def run_search(flags, arguments, base):
    """Searches, or plays one role of a search, and leaves its folder behind.

    Args:
        flags: what `search_parser` parsed.
        arguments: the command's own words, to be written down.
        base: a `Preset`, what the search begins with.

    Raises:
        RunFailed: for input, data or a disk that can't be used, or a search that can't go on.
    """
    try:
        check_can_train()
        role = role_of_this_process()
        folder = SearchFolder(flags.out or FOLDER)
        if role.name == "worker":
            wait_for_chief(role.address, flags.wait)
            work(folder, flags, arguments, base)
        else:
            with folder.alone():
                carry_out(folder, flags, arguments, base)
    except (ValueError, OSError, MemoryError) as error:
        raise RunFailed(str(error) or "there is not enough memory") from error


def work(folder, flags, arguments, base):
    """A worker's part: trials, until the chief has no more."""
    known = folder.config.exists()  # the chief's, on a disk that both see
    settings = kept_settings(folder, "search") if known else new_settings(flags, arguments, base)
    refuse_changes(flags, settings, FIXED, folder)
    if flags.data_dir:
        settings["data_dir"] = flags.data_dir
    images = search_images(settings)
    refuse_other_data(settings, images, folder)
    search(make_search(settings, images, folder, flags), settings, images)
    print("search: this worker is done")


def carry_out(folder, flags, arguments, base):
    """The whole search, or the chief's part of it, and what follows."""
    resuming = may_resume(flags, folder)
    settings = kept_settings(folder, "search") if resuming else new_settings(flags, arguments, base)
    if resuming:
        refuse_changes(flags, settings, FIXED, folder)
        if folder.finished():
            print(f"search: {folder.path} holds the finished search; nothing to do")
            return
        settings["data_dir"] = flags.data_dir or settings.get("data_dir")  # data may move
    images = search_images(settings)
    refuse_other_data(settings, images, folder)
    if resuming:
        folder.keep(settings)
    if not resuming:
        make_hypermodel(settings, images)  # what can't be searched is refused before all else
        folder.start(settings)
    tuner = make_search(settings, images, folder, flags)
    search(tuner, settings, images)
    finish(tuner, settings, images, folder)


def new_settings(flags, arguments, base):
    """What a new search is to do."""
    words = [word for word in arguments if word not in ("--resume", "--overwrite")]
    given = {key: getattr(flags, key) for key in KEPT}
    if flags.tuner == "hyperband" and flags.trials:
        raise ValueError("--trials: how many trials Hyperband has follows from --epochs")
    settings = {key: DEFAULTS.get(key) if value is None else value for key, value in given.items()}
    base = dataclasses.replace(base, batch_size=settings["batch_size"] or base.batch_size)
    if settings["retrain_epochs"] is None:
        settings["retrain_epochs"] = base.epochs
    return {
        **settings,
        "recipe": "search",
        "command": shlex.join(["python", "recipes/search.py", *words]),
        "preset_name": "search",
        "preset": dataclasses.asdict(base),
    }


def search_images(settings):
    """The `RunData` of the trials. The test images stay unseen: the retrained winner's are read."""
    data = load(settings)
    count = settings["validation_images"] or max(1, len(data.x_train) // 10)
    preset = dataclasses.replace(
        Preset(**settings["preset"]), epochs=settings["epochs"], validation_images=count
    )
    return split_data(data._replace(x_test=None, y_test=None), settings, preset)


def make_hypermodel(settings, images):
    """The `ViTHyperModel` of a search."""
    base = dataclasses.replace(
        Preset(**settings["preset"]), validation_images=len(images.validation[0])
    )
    on_cpu = device_kind() == "cpu" and keras.backend.backend() == "tensorflow"
    return ViTHyperModel(
        images.data.image_shape,
        images.data.num_classes,
        max_parameters=settings["max_parameters"],
        max_flops=settings["max_flops"],
        base=base,
        class_names=images.data.class_names,
        jit_compile=False if on_cpu else "auto",  # trials are short
    )


def make_search(settings, images, folder, flags):
    """The tuner of a search; it goes on with what the folder holds."""
    return make_tuner(
        settings["tuner"],
        make_hypermodel(settings, images),
        folder.path,
        settings["trials"],
        settings["epochs"],
        settings["seed"],
        worker_timeout=flags.worker_timeout,
        wait=flags.wait,
    )


def search(tuner, settings, images):
    """Runs the trials that are left."""
    hypermodel, data = tuner.hypermodel, images.data
    size = hypermodel.projection.fixed["image_shape"][:2]
    print(
        f"search: {len(data.x_train):,} images to train on, {len(images.validation[0]):,} to "
        f"compare on, {settings['epochs']} epochs"
    )
    tuner.search(
        hypermodel.base.batches(*data.train, settings["seed"]),
        validation_data=ResizedBatches(
            *images.validation, size, even_batch(len(images.validation[0]))
        ),
        epochs=settings["epochs"],
    )
    failure = getattr(tuner.oracle, "failure", None)
    if failure:
        raise RunFailed(failure)


def finish(tuner, settings, images, folder):
    """Table, pictures, the winner's file; then it is trained fully and tested. Metrics last."""
    rows = trial_rows(tuner.oracle.trials.values())
    if rows[0]["val_accuracy"] is None:
        raise RunFailed(f"none of {len(rows)} trials came to a result")
    write_table(folder.table, rows)
    pareto_picture(rows, folder.pareto, settings["max_parameters"])
    parallel_picture(rows, folder.parallel)
    effects_picture(rows, folder.effects)
    best, hypermodel = rows[0], tuner.hypermodel
    count = len(images.validation[0])
    full = {"epochs": settings["retrain_epochs"] or hypermodel.base.epochs}
    winner = dataclasses.replace(
        hypermodel.preset(best),
        summary=f"the best of {len(rows)} trials of recipes/search.py",
        expect=f"{best['val_accuracy']:.1%} of {count:,} validation images after a trial's "
        f"{settings['epochs']} epochs of {len(images.data.x_train):,} images",
        **full,
    )
    defaults = dataclasses.replace(
        hypermodel.preset(hypermodel.projection(hypermodel.defaults())),
        summary="what the search began with",
        expect="less than the winner, where the search found something",
        **full,
    )
    write_preset(folder.winner, winner)
    write_preset(folder.defaults, defaults)
    print_table(rows)
    for file in (folder.table, folder.pareto, folder.parallel, folder.effects, folder.winner):
        print(f"search: see {file}")
    result = retrain(winner, settings, folder) if settings["retrain_epochs"] else {}
    metrics = {
        "trials": len(rows),
        "completed": sum(row["status"] == "COMPLETED" for row in rows),
        "best_trial": best["trial"],
        "best_val_accuracy": best["val_accuracy"],
        "first_trial_val_accuracy": next(
            row["val_accuracy"] for row in rows if int(row["trial"]) == 0
        ),
        "parameters": best["parameters"],
        "most_parameters": max(row["parameters"] or 0 for row in rows),
        "most_flops": max(row["flops"] or 0 for row in rows),
        "max_parameters": settings["max_parameters"],
        "max_flops": settings["max_flops"],
        "trial_seconds": sum(row["seconds"] or 0 for row in rows),
        "cpu_seconds_of_this_process": round(sum(os.times()[:2])),
        "winner_test_accuracy": result.get("test_accuracy"),
        "seed": settings["seed"],
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "device": f"{device_kind()}, {os.cpu_count()} cores",
        "command": settings["command"],
    }
    write_json(folder.metrics, metrics)
