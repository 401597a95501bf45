"""The test images that `evaluate` and `inspect` use, as a run itself tested on them."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_vit.data import ImageData, load_data
from keras_vit.inspection.classifier import Classifier
from keras_vit.runs.folder import RunFolder
from keras_vit.runs.images import load_run_data
from keras_vit.weights.model_file import model_file


def test_data(flags: argparse.Namespace, classifier: Classifier) -> ImageData:
    """Load the data as the run loaded them, or as the flags say for any other model."""
    folder = finished_run(model_file(flags.model))
    if folder is None and flags.data is None:
        raise ValueError("--data is needed, because the model is not a finished run's")
    spec = folder.spec() if folder else None
    seed = flags.seed if flags.seed is not None else (spec.seed if spec else 0)
    skip_bad = flags.skip_bad or (spec.skip_bad if spec else False)
    if spec and (flags.data is None or same_source(flags.data, spec.data)):
        spec = spec.replace(data_dir=flags.data_dir or spec.data_dir, seed=seed, skip_bad=skip_bad)
        return load_run_data(spec, classifier.model if spec.checkpoint else None)
    is_folder = os.path.isdir(os.path.expanduser(flags.data))
    return load_data(
        flags.data,
        data_dir=flags.data_dir,
        # A folder's images may differ in size; arrays are resized a batch at a time.
        image_size=classifier.image_size if is_folder else None,
        seed=seed,
        skip_bad=skip_bad,
    )


def same_source(one: str, other: str) -> bool:
    """Return whether two sources are the same data: the same name, or paths to one place."""
    first, second = (Path(os.path.expanduser(source)) for source in (one, other))
    return one == other or (first.exists() and second.exists() and first.samefile(second))


def finished_run(file: Path) -> RunFolder | None:
    """Return the run folder of a model's file, or None where the file is of no finished run."""
    run = RunFolder(file.parent)
    return run if file == run.model and run.finished() and run.config.exists() else None


def match_classes(
    classifier: Classifier, data: ImageData
) -> tuple[Classifier, np.ndarray, np.ndarray]:
    """Bring the labels of test images into the order of the model's classes.

    Args:
        classifier: `Classifier`, the model and its class names.
        data: `ImageData`, whose test images are used.

    Returns:
        A tuple of a classifier with names, the images, and the labels as the model's classes.

    Raises:
        ValueError: if the data has classes that the model does not know.
    """
    images, labels = data.test
    known, named = classifier.class_names, data.class_names
    if getattr(classifier.model, "class_names", None) is None and len(named) == len(known):
        return Classifier(classifier.model, named), images, labels
    if set(named) <= set(known):
        return classifier, images, np.array([known.index(name) for name in named])[labels]
    if named == tuple(map(str, range(len(named)))) and len(named) == len(known):
        print(f"the data does not name its classes; {first_few(named)} are taken as the model's")
        return classifier, images, labels
    raise ValueError(
        "the classes of the data must be classes of the model, but they are not the model's: "
        f"{first_few(named)}. The model's classes: {first_few(known)}"
    )


def first_few(names: Sequence[str]) -> str:
    """Write the number of names and the first five."""
    return f"{len(names)} ({', '.join(names[:5])}{' …' if len(names) > 5 else ''})"
