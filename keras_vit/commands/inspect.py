"""draw every picture that applies to a model, and report.html, a page with all of them"""

import argparse
from pathlib import Path

import numpy as np

from keras_vit.commands.output import refuse_existing
from keras_vit.commands.parser import natural, positive
from keras_vit.commands.tested_images import finished_run, match_classes, test_data
from keras_vit.files import read_json
from keras_vit.inspection.classifier import Classifier
from keras_vit.report.pictures import PICTURES, Subject
from keras_vit.report.report import write_report
from keras_vit.runs.folder import RunFolder
from keras_vit.runs.history import read_history
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
    data = test_data(flags, classifier)
    classifier, images, labels = match_classes(classifier, data)
    if flags.limit is not None and flags.limit < len(images):
        chosen = np.sort(np.random.default_rng(0).permutation(len(images))[: flags.limit])
        images, labels = images[chosen], labels[chosen]
    run = finished_run(model_file(flags.model))
    trained, metrics = (training_of(run), read_json(run.metrics)) if run else ((), None)
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


def training_of(run: RunFolder) -> tuple:
    """Return what `Subject` takes of a run: history, validation, AutoAugment settings, seed."""
    spec = run.spec()
    validation = "validation" if spec.preset.validation_images else "test"
    return read_history(run.history), validation, spec.preset.auto_augment, spec.seed


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
