"""accuracy and loss of a model on the test part of some data, as a run tests its own"""

import json
import os

from keras_vit.commands.inspect import finished_run, match_classes
from keras_vit.commands.parser import natural
from keras_vit.data import load_data
from keras_vit.inspection.classifier import Classifier
from keras_vit.runs.finish_classifier import test_metrics
from keras_vit.runs.images import load_run_data
from keras_vit.train.batches import at_model_size
from keras_vit.weights.model_file import load_model, model_file, model_name


def add_arguments(parser) -> None:
    """Add the command's own words."""
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        help="a data set's name, a .npz file or a folder of class folders, whose test part is "
        "used (default, for a run's folder: the run's own)",
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
        "--format", choices=("text", "json"), default="text", help="default: %(default)s"
    )


def run(flags) -> None:
    """Test the model and print what came out."""
    model = load_model(flags.model)
    classifier = Classifier(model)
    classifier, images, labels = match_classes(classifier, test_data(flags, classifier))
    if classifier.image_size is None:
        outputs = classifier.model.predict(images, verbose=0)
    else:
        # The batches of a run's own test: another batch size rounds otherwise.
        outputs = classifier.model.predict(at_model_size(classifier.model, images, labels))
    metrics = {
        "model": model_name(flags.model),
        **test_metrics(classifier, outputs, labels),
        "test_images": len(labels),
    }
    if flags.format == "json":
        print(json.dumps(metrics, indent=2))
    else:
        print(
            f"{metrics['test_accuracy']:.2%} of {len(labels):,} test images right, "
            f"cross-entropy {metrics['test_loss']:.4f}"
        )


def test_data(flags, classifier: Classifier):
    """Load the data as the run loaded them, or as the flags say for any other model."""
    folder = finished_run(model_file(flags.model))
    if folder is None and flags.data is None:
        raise ValueError("--data is needed, because the model is not a finished run's")
    spec = folder.spec() if folder else None
    seed = flags.seed if flags.seed is not None else (spec.seed if spec else 0)
    skip_bad = flags.skip_bad or (spec.skip_bad if spec else False)
    if spec and flags.data in (None, spec.data):
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
