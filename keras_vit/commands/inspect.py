"""every picture that applies, and one page with all of them: report.html"""

import os
from pathlib import Path

import numpy as np

from keras_vit.commands.output import refuse_existing
from keras_vit.commands.parser import natural, positive
from keras_vit.data import load_data
from keras_vit.files import read_json
from keras_vit.inspection.classifier import Classifier
from keras_vit.report.pictures import PICTURES, Subject
from keras_vit.report.report import write_report
from keras_vit.runs.folder import RunFolder
from keras_vit.runs.history import read_history
from keras_vit.weights.model_file import load_model, model_file, model_name


def add_arguments(parser):
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        required=True,
        help="a data set's name, a .npz file or a folder of class folders; its test part is used",
    )
    parser.add_argument(
        "--data-dir", metavar="DIR", help="where tensorflow-datasets keeps its data sets"
    )
    parser.add_argument(
        "--seed",
        type=natural,
        help="of the split, where the data have no test part (default: the run's, or 0)",
    )
    parser.add_argument(
        "--skip-bad", action="store_true", help="leave out images that can't be read (as the run)"
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=Path("report"),
        help="where the pictures and report.html go (default: %(default)s)",
    )
    parser.add_argument(
        "--limit", metavar="N", type=positive, help="look at N test images, drawn by chance"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier report and its pictures"
    )


def run(flags):
    check_folder(flags.out, flags.overwrite)
    classifier = Classifier(load_model(flags.model))
    # A folder's pictures may differ in size; arrays are resized a batch at a time.
    image_size = classifier.image_size if os.path.isdir(os.path.expanduser(flags.data)) else None
    run = finished_run(model_file(flags.model))
    spec = run.spec() if run else None
    data = load_data(
        flags.data,
        data_dir=flags.data_dir,
        image_size=image_size,
        # Of another split the test part would have images that the run trained on.
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
    for name, *_ in PICTURES:  # an earlier report's, some of which may not apply to this model
        (flags.out / name).unlink(missing_ok=True)
    report = flags.out / "report.html"
    left_out = write_report(report, model_name(flags.model), subject, metrics, flags.out)
    for line in left_out:
        print(f"left out: {line}")
    print(f"see {report}")


def finished_run(file):
    """The `RunFolder` of a model's file; None where it is of no finished run."""
    run = RunFolder(file.parent)
    return run if file == run.model and run.finished() and run.config.exists() else None


def training_of(run, spec) -> tuple:
    """Return what `Subject` takes of a run's training: history, validation's name, AutoAugment."""
    validation = "validation" if spec.preset.validation_images else "test"
    return read_history(run.history), validation, spec.preset.auto_augment


def check_folder(folder, overwrite):
    """A ValueError where files are in the way, or their folder can't be made."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; --out names a folder")
    files = ["report.html", *(name for name, *_ in PICTURES)] if folder.exists() else [""]
    for file in files:
        refuse_existing(folder / file, overwrite)


def match_classes(classifier, data):
    """The test part in the model's own classes: a classifier with names, images, labels."""
    images, labels = data.test
    known, named = classifier.class_names, data.class_names
    if getattr(classifier.model, "class_names", None) is None and len(named) == len(known):
        return Classifier(classifier.model, named), images, labels
    if set(named) <= set(known):
        return classifier, images, np.array([known.index(name) for name in named])[labels]
    if named == tuple(map(str, range(len(named)))) and len(named) == len(known):
        print(f"the data does not name its classes: {first_few(named)} are taken for the model's")
        return classifier, images, labels
    raise ValueError(
        f"the classes of the data are not the model's: {first_few(named)} against "
        f"{first_few(known)}"
    )


def first_few(names):
    return f"{len(names)} ({', '.join(names[:5])}{' …' if len(names) > 5 else ''})"
