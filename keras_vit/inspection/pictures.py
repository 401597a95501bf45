"""Every picture that there is, and which of them apply to a model."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_vit.inspection.attention_picture import attention_picture
from keras_vit.inspection.classifier import Classifier
from keras_vit.inspection.confusion import confusion_picture
from keras_vit.inspection.curves import curves_picture
from keras_vit.inspection.html_page import Picture

FEW = 8  # images that are shown


class Subject(NamedTuple):
    """What the pictures are drawn of.

    Attributes:
        classifier: the model.
        images: test images as the model takes them, uint8 `(N, H, W, C)`.
        labels: their classes, int `(N,)`.
        probabilities: the model's answers, `(N, K)`.
        history: rows of `history.csv`; None where there are none.
    """

    classifier: Classifier
    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    history: list[dict[str, str]] | None


def draw_pictures(subject: Subject, folder: Path) -> tuple[list[Picture], list[str]]:
    """Draws every picture that applies, as PNG files.

    Args:
        subject: what to draw.
        folder: where the files go.

    Returns:
        The pictures, and a line for each that does not apply, with the reason.
    """
    drawn, left_out = [], []
    for name, title, caption, draw in PICTURES:
        path = folder / name
        try:
            draw(subject, path)
        except ValueError as error:  # the functions' own, for a model that they can't look into
            left_out.append(f"{title}: {error}")
        else:
            drawn.append(Picture(title, caption, path))
    return drawn, left_out


def draw_curves(subject, path):
    if not subject.history:
        raise ValueError("there is no history.csv beside the model")
    curves_picture(subject.history, path)


def draw_confusion(subject, path):
    predicted = subject.probabilities.argmax(axis=1)
    confusion_picture(subject.labels, predicted, subject.classifier.class_names, path)


def draw_attention(subject, path):
    few = slice(FEW)
    attention_picture(subject.classifier.model, subject.images[few], subject.labels[few], path)


PICTURES = (
    (
        "curves.png",
        "Training",
        "Loss, accuracy and learning rate over the epochs.",
        draw_curves,
    ),
    (
        "confusion.png",
        "Confusions",
        "Rows are true classes, columns predicted ones. A sharp diagonal is a good model.",
        draw_confusion,
    ),
    (
        "attention.png",
        "Attention of the last block",
        "Images above the same images multiplied by where the model looks.",
        draw_attention,
    ),
)
