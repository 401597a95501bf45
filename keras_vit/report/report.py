"""The report on a trained model: `report.html`."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_vit.inspection.calibration import calibration
from keras_vit.report.html_page import write_page
from keras_vit.report.pictures import Subject, draw_pictures


def write_report(
    path: Path,
    title: str,
    subject: Subject,
    metrics: Mapping | None = None,
    folder: Path | None = None,
    ready: Sequence[Path] = (),
) -> list[str]:
    """Draw every picture that applies, and write a page that holds all of them.

    Args:
        path: Path, the HTML file.
        title: str, the heading of the page.
        subject: the `Subject`, model and test images.
        metrics: dict, the `metrics.json` of a run for the table, or None. Default: None.
        folder: Path or None, folder in which the pictures are kept as PNG files. None: the pictures
            are only in the page. Default: None.
        ready: sequence of Paths, pictures that were drawn before and are not drawn again. Default:
            ().

    Returns:
        One line for each reason why pictures are left out.
    """
    with tempfile.TemporaryDirectory() as scratch:
        pictures, left_out = draw_pictures(subject, Path(folder or scratch), ready)
        write_page(path, title, numbers(subject, metrics or {}), pictures, left_out)
    return left_out


def numbers(subject: Subject, metrics: Mapping) -> dict[str, str]:
    """Return the rows of the table, by name."""
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
    rows_of_metrics = {
        "Epochs": "{epochs}",
        "Training": "{training_images:,} images, {seconds:.0f} s on {device}",
        "Backend": "{backend}, Keras {keras}",
        "Command": "{command}",
    }
    for key, text in rows_of_metrics.items():
        try:
            rows[key] = text.format(**metrics)
        except (KeyError, ValueError, TypeError):  # Metrics of another version lack a value.
            continue
    return rows
