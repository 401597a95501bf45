"""The end of a classifier's run: test, save, draw, and write `metrics.json`."""

import os
from pathlib import Path

import keras
import numpy as np

from keras_vit.backend.hardware import device_kind
from keras_vit.data import ImageData
from keras_vit.data.resizing import resize_images
from keras_vit.files import whole_file, write_json
from keras_vit.inspection.classifier import Classifier
from keras_vit.inspection.examples import examples
from keras_vit.report.attention_picture import attention_picture
from keras_vit.report.confusion_picture import confusion_picture
from keras_vit.report.curves import curves_picture
from keras_vit.report.pictures import Subject
from keras_vit.report.report import write_report
from keras_vit.runs.best_epoch import load_best_epoch
from keras_vit.runs.folder import RunFolder
from keras_vit.runs.history import read_history
from keras_vit.runs.images import RunImages
from keras_vit.runs.spec import RunSpec
from keras_vit.train.batches import at_model_size
from keras_vit.train.lora import without_lora

SHOWN = 8  # test images in the picture of the attention


def finish_classifier(
    spec: RunSpec, folder: RunFolder, images: RunImages, trainer: keras.Model, facts: dict
) -> dict:
    """Test the model, save it, and draw the pictures; `metrics.json` comes last.

    Args:
        spec: the run's specification.
        folder: the run's folder.
        images: the run's images.
        trainer: the trained `AugmentedModel`.
        facts: dict, what `metrics.json` says of the training.

    Returns:
        The dict of `metrics.json`.
    """
    data = images.data
    model = without_lora(trainer.model)
    rows = read_history(folder.history)
    best = {}
    if spec.preset.best_epoch_from is not None:
        first = spec.preset.best_epoch_from
        best = {"best_epoch": load_best_epoch(model, folder.checkpoint, rows, first)}
    print(f"{spec.recipe}: testing, saving and drawing")
    outputs = model.predict(at_model_size(model, *data.test))
    classifier = Classifier(model, data.class_names)
    metrics = {
        **test_metrics(classifier, outputs, data.y_test),
        "parameters": model.count_params(),
        **facts,
        **best,
        **circumstances(spec, data),
    }
    save_model(model, folder)
    probabilities = classifier.as_probabilities(outputs)
    pictures = draw_pictures(images, folder, model, rows, outputs.argmax(axis=1), spec.seed)
    subject = Subject(
        classifier,
        *data.test,
        probabilities,
        rows,
        images.validation_name,
        spec.preset.auto_augment,
        spec.seed,
    )
    write_report(folder.report, spec.recipe, subject, metrics, ready=pictures)
    write_json(folder.metrics, metrics)
    folder.tidy()
    print(
        f"{spec.recipe}: {metrics['test_accuracy']:.2%} of {len(data.x_test):,} test images right "
        f"after {facts['seconds']:.0f} s of training"
    )
    for file in (*pictures, folder.report):
        print(f"{spec.recipe}: see {file}")
    return metrics


def test_metrics(classifier: Classifier, outputs: np.ndarray, labels: np.ndarray) -> dict:
    """Return `test_accuracy`, a share, and `test_loss`, the mean cross-entropy.

    Args:
        classifier: the model.
        outputs: what it gave, `(N, K)`: logits, or probabilities where it ends in a softmax.
        labels: true classes, int `(N,)`.
    """
    log_shares = classifier.log_probabilities(outputs)
    return {
        "test_accuracy": float(np.mean(outputs.argmax(axis=1) == labels)),
        "test_loss": float(-np.mean(log_shares[np.arange(len(labels)), labels])),
    }


def draw_pictures(
    images: RunImages, folder: RunFolder, model, rows, predicted, seed: int
) -> list[Path]:
    """Draw curves, confusions and attention into the run's folder; return the files' paths."""
    data = images.data
    pictures = [folder.confusion]
    if rows:
        curves_picture(rows, folder.curves, images.validation_name)
        pictures.insert(0, folder.curves)
    confusion_picture(data.y_test, predicted, data.class_names, folder.confusion)
    if hasattr(model, "class_token"):  # a Transformer on patches
        chosen = examples(data.y_test, SHOWN, seed)
        shown = resize_images(data.x_test[chosen], tuple(model.image_shape[:2]))
        attention_picture(model, shown, data.y_test[chosen], folder.attention)
        pictures.append(folder.attention)
    return pictures


def circumstances(spec: RunSpec, data: ImageData) -> dict:
    """Return what `metrics.json` says of every run."""
    return {
        "preset": spec.preset_name,
        "seed": spec.seed,
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "device": f"{device_kind()}, {os.cpu_count()} cores",
        "training_images": len(data.x_train),
        "test_images": len(data.x_test),
        "command": spec.command,
    }


def save_model(model: keras.Model, folder: RunFolder) -> None:
    """Save the plain model in the run's folder, whole or not at all."""
    with whole_file(folder.model) as draft:
        model.save(draft)
