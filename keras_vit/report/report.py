"""The report on a trained model: `report.html`."""

import tempfile
from pathlib import Path

import numpy as np

from keras_vit.inspection.calibration import calibration
from keras_vit.report.html_page import write_page
from keras_vit.report.pictures import Subject, draw_pictures


def write_report(path, title, subject: Subject, metrics=None, folder=None, ready=()) -> list[str]:
    """Draws every picture that applies and writes the page that holds them all.

    Args:
        path: of the HTML file.
        title: its heading.
        subject: the model and the test images.
        metrics: a run's `metrics.json`, for the table.
        folder: where the pictures are kept as PNG files too; None: nowhere.
        ready: pictures that were drawn before, taken as they are.

    Returns:
        What does not apply, a line for each reason.
    """
    with tempfile.TemporaryDirectory() as scratch:
        pictures, left_out = draw_pictures(subject, Path(folder or scratch), ready)
        write_page(path, title, numbers(subject, metrics or {}), pictures, left_out)
    return left_out


def numbers(subject, metrics):
    """The table's rows."""
    model, probabilities = subject.classifier.model, subject.probabilities
    true = probabilities[np.arange(len(probabilities)), subject.labels]
    height, width, channels = subject.classifier.image_shape
    rows = {
        "Test images": f"{len(subject.images):,}",
        "Accuracy": f"{np.mean(probabilities.argmax(axis=1) == subject.labels):.2%}",
        "Calibration error": f"{calibration(probabilities, subject.labels).ece:.2%}",
        "Cross-entropy": f"{-np.mean(np.log(np.maximum(true, 1e-12))):.4f}",
        "Classes": f"{len(subject.classifier.class_names)}",
        "Image size": (f"{width}x{height}" if width and height else "any")
        + f", {channels} channel{'s' * (channels > 1)}",
        "Parameters": f"{model.count_params():,}",
    }
    told = {
        "Epochs": "{epochs}",
        "Training": "{training_images:,} images, {seconds:.0f} s on {device}",
        "Backend": "{backend}, Keras {keras}",
        "Command": "{command}",
    }
    for key, text in told.items():
        try:
            rows[key] = text.format(**metrics)
        except (KeyError, ValueError, TypeError):  # no run's, or another version's
            continue
    return rows
