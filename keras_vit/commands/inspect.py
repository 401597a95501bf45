"""draw every picture that applies to a model, and report.html, a page with all of them"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_vit.commands.output import refuse_existing
from keras_vit.commands.parser import natural, positive
from keras_vit.data import ImageData, load_data
from keras_vit.files import read_json
from keras_vit.inspection.classifier import Classifier
from keras_vit.report.pictures import PICTURES, Subject
from keras_vit.report.report import write_report
from keras_vit.runs.folder import RunFolder
from keras_vit.runs.history import read_history
from keras_vit.runs.spec import RunSpec
from keras_vit.weights.model_file import load_model, model_file, model_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        required=True,
        help="a data set's name, a .npz file or a folder of class folders, whose test images are "
        "used",
    )
    parser.add_argument(
        "--data-dir", metavar="DIR", help="the folder of tensorflow-datasets' data sets"
    )
    parser.add_argument(
        "--seed",
        type=natural,
        help="the seed of the split, for data without a test part (default: the run's, or 0)",
    )
    parser.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave out images that can't be read (default: as the run did)",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=Path("report"),
        help="the folder for the pictures and report.html (default: %(default)s)",
    )
    parser.add_argument(
        "--limit", metavar="N", type=positive, help="use only N test images, drawn at random"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier report and its pictures"
    )


def run(flags: argparse.Namespace) -> None:
    """Write the pictures and the report of the model in `flags.model`."""
    check_folder(flags.out, flags.overwrite)
    classifier = Classifier(load_model(flags.model))
    # The pictures of a folder may differ in size, so they are resized when they are read. The
    # images of an array have one size, and the classifier resizes them batch by batch.
    image_size = classifier.image_size if os.path.isdir(os.path.expanduser(flags.data)) else None
    run = finished_run(model_file(flags.model))
    spec = run.spec() if run else None
    data = load_data(
        flags.data,
        data_dir=flags.data_dir,
        image_size=image_size,
        # The split must be the run's, because the test part of another split would hold images that
        # the run trained on.
        seed=flags.seed if flags.seed is not None else (spec.seed if spec else 0),
        skip_bad=flags.skip_bad or (spec.skip_bad if spec else False),
    )
    classifier, images, labels = match_classes(classifier, data)
    if flags.limit is not None and flags.limit < len(images):
        chosen = np.sort(np.random.default_rng(0).permutation(len(images))[: flags.limit])
        images, labels = images[chosen], labels[chosen]
    trained, metrics = (training_of(run, spec), read_json(run.metrics)) if run else ((), None)
    print(f"{len(images):,} test image{'s' * (len(images) != 1)}")
    probabilities = classifier.probabilities(images)
    subject = Subject(classifier, images, labels, probabilities, *trained)
    flags.out.mkdir(exist_ok=True)
    # Pictures of an earlier report are removed, because some may not apply to this model.
    for name, *_ in PICTURES:
        (flags.out / name).unlink(missing_ok=True)
    report = flags.out / "report.html"
    left_out = write_report(report, model_name(flags.model), subject, metrics, flags.out)
    for line in left_out:
        print(f"left out: {line}")
    print(f"see {report}")


def finished_run(file: Path) -> RunFolder | None:
    """Return the run folder of a model's file, or None where the file is of no finished run."""
    run = RunFolder(file.parent)
    return run if file == run.model and run.finished() and run.config.exists() else None


def training_of(run: RunFolder, spec: RunSpec) -> tuple:
    """Return (history, name of the validation, AutoAugment settings) of a run, for `Subject`."""
    validation = "validation" if spec.preset.validation_images else "test"
    return read_history(run.history), validation, spec.preset.auto_augment


def check_folder(folder: Path, overwrite: bool) -> None:
    """Check that a report can be written into a folder.

    Raises:
        ValueError: if files of a report are there already, or the folder cannot be made.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--out must name a folder, but {folder} is a file")
    files = ["report.html", *(name for name, *_ in PICTURES)] if folder.exists() else [""]
    for file in files:
        refuse_existing(folder / file, overwrite)


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
