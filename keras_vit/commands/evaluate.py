"""accuracy and loss of a model on the test part of some data, as a run tests its own"""

import json
import sys
from contextlib import redirect_stdout

from keras_vit.commands.parser import natural
from keras_vit.commands.tested_images import match_classes, test_data
from keras_vit.data import StreamedImages
from keras_vit.data.channels import with_channels
from keras_vit.inspection.classifier import Classifier
from keras_vit.runs.finish_classifier import test_metrics
from keras_vit.train.batches import ResizedBatches, even_batch
from keras_vit.weights.model_file import load_model, model_name


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
    """Test the model and print what came out; everything else goes to stderr."""
    with redirect_stdout(sys.stderr):
        classifier = Classifier(load_model(flags.model))
        data = test_data(flags, classifier)
        classifier, images, labels = match_classes(classifier, data)
        outputs = test_outputs(classifier, images, labels)
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


def test_outputs(classifier: Classifier, images, labels):
    """Return the model's outputs `(N, K)`, in the batches of a run's own test.

    Batches of another size would be rounded in another way, and give other last digits.

    Raises:
        ValueError: naming a streamed image that can't be read any more.
    """
    channels = classifier.image_shape[2]
    if isinstance(images, StreamedImages):
        images = images.with_channels(channels)
    else:
        images = with_channels(images, channels)
    size = classifier.image_size or tuple(images.shape[1:3])
    batches = ResizedBatches(images, labels, size, even_batch(len(labels)))
    try:
        return classifier.model.predict(batches)
    except Exception:
        # TensorFlow wraps what a data set raised in an error of its own.
        if (failure := getattr(images, "failure", None)) is not None:
            raise failure from None
        raise
