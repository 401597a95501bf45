"""One search, from its specification to the fully trained winner."""

import dataclasses
import os
from pathlib import Path

import keras

from keras_vit.backend.hardware import device_kind
from keras_vit.backend.supported import check_can_train
from keras_vit.files import write_json
from keras_vit.report.figures import check_can_draw
from keras_vit.runs import build
from keras_vit.runs.images import RunImages, check_same_images, load_run_data, split_images
from keras_vit.runs.preset_file import write_preset
from keras_vit.runs.run import RunFailed
from keras_vit.train.batches import ResizedBatches, even_batch
from keras_vit.tuning.hypermodel import ViTHyperModel
from keras_vit.tuning.pictures import effects_picture, parallel_picture, pareto_picture
from keras_vit.tuning.retrain import retrain
from keras_vit.tuning.roles import role_of_this_process
from keras_vit.tuning.search_folder import SearchFolder
from keras_vit.tuning.spec import SearchSpec
from keras_vit.tuning.table import print_table, trial_rows, write_table
from keras_vit.tuning.tuner import SearchTuner, make_tuner
from keras_vit.tuning.worker import wait_for_chief

FOLDER = Path("saved_models", "search")


def run_search(
    spec: SearchSpec,
    out: str | os.PathLike,
    resume: bool = False,
    overwrite: bool = False,
    worker_timeout: int = 60,
    wait: int = 600,
) -> None:
    """Carry out a search, or this process's role in it, and write the search's folder.

    Args:
        spec: `SearchSpec`, what to do. With `resume`, and in a worker that sees the chief's folder,
            the specification in the folder replaces this one, and the user's flags must agree with
            it.
        out: str or path, the folder of the search.
        resume: bool, whether to continue a search in the folder. Default: False.
        overwrite: bool, whether to replace a search in the folder. Default: False.
        worker_timeout: int, seconds of silence after which a worker counts as dead. Default: 60.
        wait: int, seconds that the chief waits for workers, and the workers for the chief. Default:
            600.

    Raises:
        RunFailed: if the input, the data or the disk cannot be used, or the search cannot continue.
    """
    limits = {"worker_timeout": worker_timeout, "wait": wait}
    try:
        check_can_train()
        check_can_draw()
        role = role_of_this_process()
        folder = SearchFolder(out)
        if role.name == "worker":
            wait_for_chief(role.address, wait)
            work(spec, folder, limits)
        else:
            with folder.alone():
                carry_out(spec, folder, folder.may_resume(resume, overwrite), limits)
    except (ValueError, OSError, MemoryError, ImportError) as error:
        raise RunFailed(str(error) or "there is not enough memory") from error


def work(spec: SearchSpec, folder: SearchFolder, limits: dict) -> None:
    """Do a worker's part: run trials until the chief has no more."""
    if folder.config.exists():  # The chief wrote the folder on a disk that this worker sees.
        spec = resumed_spec(spec, folder)
    images = search_images(spec)
    check_same_images(spec.run, images, folder.path)
    search(make_search(spec, images, folder, limits), spec, images)
    print("search: this worker is done")


def carry_out(spec: SearchSpec, folder: SearchFolder, resuming: bool, limits: dict) -> None:
    """Do the whole search or the chief's part of it, train the winner and write the results."""
    if resuming:
        spec = resumed_spec(spec, folder)
        if folder.finished():
            print(f"search: {folder.path} holds the finished search, so there is nothing to do")
            return
    images = search_images(spec)
    digest = check_same_images(spec.run, images, folder.path).data_digest
    spec = spec.replace_run(data_digest=digest)
    if resuming:
        folder.write_spec(spec)
    else:
        make_hypermodel(spec, images)  # This refuses a bad search before the folder is written.
        folder.start(spec)
    tuner = make_search(spec, images, folder, limits)
    search(tuner, spec, images)
    finish(tuner, spec, images, folder)


def resumed_spec(asked: SearchSpec, folder: SearchFolder) -> SearchSpec:
    """Return the folder's specification, with which the user's flags must agree.

    Only the folder of the data may differ, because the data may have been moved.

    Raises:
        ValueError: if a flag of `asked` contradicts the folder's specification.
    """
    kept = folder.spec()
    kept.refuse_changes(asked, folder.path)
    return kept.replace_run(data_dir=asked.run.data_dir or kept.run.data_dir)


def search_images(spec: SearchSpec) -> RunImages:
    """Load the images of the trials. Only the retrained winner's run reads the test images."""
    data = load_run_data(spec.run)
    count = spec.validation_images or max(1, len(data.x_train) // 10)
    preset = dataclasses.replace(spec.run.preset, epochs=spec.epochs, validation_images=count)
    return split_images(data._replace(x_test=None, y_test=None), spec.run.replace(preset=preset))


def make_hypermodel(spec: SearchSpec, images: RunImages) -> ViTHyperModel:
    """Make the `ViTHyperModel` of a search."""
    base = dataclasses.replace(spec.run.preset, validation_images=len(images.validation[0]))
    on_cpu = device_kind() == "cpu" and keras.backend.backend() == "tensorflow"
    return ViTHyperModel(
        images.data.image_shape,
        images.data.num_classes,
        max_parameters=spec.max_parameters,
        max_flops=spec.max_flops,
        base=base,
        class_names=images.data.class_names,
        jit_compile=False if on_cpu else "auto",  # A trial is too short for XLA.
    )


def make_search(
    spec: SearchSpec, images: RunImages, folder: SearchFolder, limits: dict
) -> SearchTuner:
    """Make the tuner of a search, which continues with the trials in the folder."""
    return make_tuner(
        spec.tuner,
        make_hypermodel(spec, images),
        folder.path,
        spec.trials,
        spec.epochs,
        spec.run.seed,
        **limits,
    )


def search(tuner: SearchTuner, spec: SearchSpec, images: RunImages) -> None:
    """Run the trials that are left.

    Raises:
        RunFailed: if several trials in a row failed.
    """
    hypermodel, data = tuner.hypermodel, images.data
    size = hypermodel.projection.fixed["image_shape"][:2]
    print(
        f"search: {len(data.x_train):,} images to train on, {len(images.validation[0]):,} to "
        f"compare trials on, {spec.epochs} epochs for a trial"
    )
    tuner.search(
        build.build_batches(hypermodel.base, *data.train, spec.run.seed),
        validation_data=ResizedBatches(
            *images.validation, size, even_batch(len(images.validation[0]))
        ),
        epochs=spec.epochs,
    )
    failure = getattr(tuner.oracle, "failure", None)
    if failure:
        raise RunFailed(failure)


def finish(tuner: SearchTuner, spec: SearchSpec, images: RunImages, folder: SearchFolder) -> None:
    """Write the table, the pictures and the winner's file, train and test the winner.

    The metrics are written last: where they exist, the search is finished.

    Raises:
        RunFailed: if no trial has a result.
    """
    rows = trial_rows(tuner.oracle.trials.values())
    if rows[0]["val_accuracy"] is None:
        raise RunFailed(
            "the search has no winner, because a winner needs a trial with a result. "
            f"Received: {len(rows)} trials, none with a result"
        )
    write_table(folder.table, rows)
    pareto_picture(rows, folder.pareto, spec.max_parameters)
    parallel_picture(rows, folder.parallel)
    effects_picture(rows, folder.effects)
    best, hypermodel = rows[0], tuner.hypermodel
    count = len(images.validation[0])
    full = {"epochs": spec.retrain_epochs or hypermodel.base.epochs}
    winner = dataclasses.replace(
        hypermodel.preset(best),
        summary=f"the best of {len(rows)} trials of keras-vit search",
        expect=f"{best['val_accuracy']:.1%} of {count:,} validation images after a trial's "
        f"{spec.epochs} epochs of {len(images.data.x_train):,} images",
        **full,
    )
    defaults = dataclasses.replace(
        hypermodel.preset(hypermodel.projection(hypermodel.defaults())),
        summary="the values that the search began with",
        expect="less than the winner, if the search found better values",
        **full,
    )
    write_preset(folder.winner, winner)
    write_preset(folder.defaults, defaults)
    print_table(rows)
    for file in (folder.table, folder.pareto, folder.parallel, folder.effects, folder.winner):
        print(f"search: see {file}")
    result = retrain(winner, spec, folder) if spec.retrain_epochs else {}
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
        "max_parameters": spec.max_parameters,
        "max_flops": spec.max_flops,
        "trial_seconds": sum(row["seconds"] or 0 for row in rows),
        "cpu_seconds_of_this_process": round(sum(os.times()[:2])),
        "winner_test_accuracy": result.get("test_accuracy"),
        "seed": spec.run.seed,
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "device": f"{device_kind()}, {os.cpu_count()} cores",
        "command": spec.run.command,
    }
    write_json(folder.metrics, metrics)
