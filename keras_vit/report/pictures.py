"""Every picture that there is, and which of them apply to a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_vit.inspection.classifier import Classifier
from keras_vit.report.attention_picture import attention_picture
from keras_vit.report.augmentation_picture import augmentation_picture
from keras_vit.report.calibration_picture import calibration_picture
from keras_vit.report.confusion_picture import confusion_picture
from keras_vit.report.curves import curves_picture
from keras_vit.report.distance_picture import attention_distance_picture
from keras_vit.report.filters_picture import filters_picture
from keras_vit.report.html_page import Picture
from keras_vit.report.mistakes_picture import mistakes_picture
from keras_vit.report.overlays import (
    attention_heads_picture,
    attention_layers_picture,
    attention_methods_picture,
)
from keras_vit.report.positions_picture import position_similarity_picture

SHOWN = 8  # images side by side
OVERLAID = 4  # images with a row of overlays each
AVERAGED = 64  # images over which distances are averaged


class Subject(NamedTuple):
    """What the pictures are drawn of.

    Attributes:
        classifier: the model.
        images: test images, uint8 `(N, H, W, C)`, of the model's size or another.
        labels: their classes, int `(N,)`.
        probabilities: the model's answers, `(N, K)`.
        history: rows of `history.csv`; None where there are none.
        validation: name of the images that the history's `val_...` are of.
        auto_augment: arguments of the AutoAugment that it was trained with; None: with none.
    """

    classifier: Classifier
    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    history: list[dict[str, str]] | None = None
    validation: str = "test"
    auto_augment: Mapping | None = None


def draw_pictures(
    subject: Subject, folder: Path, ready: Sequence[Path] = ()
) -> tuple[list[Picture], list[str]]:
    """Draws every picture that applies, as PNG files.

    However many test images there are, only some are run through the model again.

    Args:
        subject: what to draw.
        folder: where the files go.
        ready: pictures of these names that were drawn before; they are taken as they are.

    Returns:
        The pictures, and for each reason why some do not apply a line with their titles.
    """
    drawn, left_out = [], {}
    before = {path.name: path for path in ready}
    for name, title, caption, draw in PICTURES:
        path = before.get(name, folder / name)
        try:
            if name not in before:
                draw(subject, path)
        except ValueError as reason:  # what every function raises for a model it can't look into
            left_out.setdefault(str(reason), []).append(title)
        else:
            drawn.append(Picture(title, caption, path))
    return drawn, [f"{', '.join(titles)}: {reason}" for reason, titles in left_out.items()]


def draw_curves(subject, path):
    needed = {"loss", "accuracy", "learning_rate"}
    if not subject.history or needed - subject.history[0].keys():
        raise ValueError("there is no history of a training")
    curves_picture(subject.history, path, subject.validation)


def draw_confusion(subject, path):
    predicted = subject.probabilities.argmax(axis=1)
    confusion_picture(subject.labels, predicted, subject.classifier.class_names, path)


def draw_mistakes(subject, path):
    if (subject.probabilities.argmax(axis=1) == subject.labels).all():
        raise ValueError("there are none")
    names = subject.classifier.class_names
    mistakes_picture(subject.images, subject.probabilities, subject.labels, names, path)


def draw_calibration(subject, path):
    calibration_picture(subject.probabilities, subject.labels, path)


def draw_attention(subject, path):
    attention_picture(*with_attention(subject, SHOWN), path)


def draw_layers(subject, path):
    attention_layers_picture(*with_attention(subject, OVERLAID), path)


def draw_heads(subject, path):
    attention_heads_picture(*with_attention(subject, OVERLAID), path)


def draw_methods(subject, path):
    attention_methods_picture(*with_attention(subject, OVERLAID), path)


def draw_distance(subject, path):
    model, images, _ = with_attention(subject, AVERAGED)
    attention_distance_picture(model, images, path)


def draw_positions(subject, path):
    model, *_ = with_attention(subject, 0)
    position_similarity_picture(model, path)


def draw_filters(subject, path):
    filters_picture(subject.classifier.model, path)


def draw_augmentation(subject, path):
    if subject.auto_augment is None:
        raise ValueError("the model was not trained with it, or that is not known")
    augmentation_picture(subject.images[0], path, **subject.auto_augment)


def with_attention(subject, count):
    """The model, and that many images and labels; no picture for a model without attention."""
    if not subject.classifier.has_attention:
        raise ValueError("the model has no attention blocks over a grid of patches")
    images = subject.classifier.fitted(subject.images[:count])
    return subject.classifier.model, images, subject.labels[:count]


PICTURES = (
    (
        "curves.png",
        "Training",
        "Loss, accuracy and learning rate over the epochs. The training images are augmented, so "
        "the loss on them may be the higher one.",
        draw_curves,
    ),
    (
        "confusion.png",
        "Confusions",
        "Rows are true classes, columns predicted ones: a good model has a bright diagonal alone.",
        draw_confusion,
    ),
    (
        "mistakes.png",
        "Surest mistakes",
        "The test images on which the model was wrong with the greatest probability. Labels that "
        "are wrong themselves may stand out here.",
        draw_mistakes,
    ),
    (
        "calibration.png",
        "Calibration",
        "Whether the model is right as often as it says. Bars below the diagonal: too sure; above "
        "it: not sure enough.",
        draw_calibration,
    ),
    (
        "attention.png",
        "Attention of the last block",
        "Test images above the same images multiplied by where the model looks.",
        draw_attention,
    ),
    (
        "attention_layers.png",
        "Attention block by block",
        "What each block attends to, mean over its heads. The scale is each panel's own.",
        draw_layers,
    ),
    (
        "attention_heads.png",
        "Attention head by head",
        "The heads of the last block, each of which may look for something else.",
        draw_heads,
    ),
    (
        "attention_methods.png",
        "Attention, rollout and relevance",
        "Three ways to ask what the answer rests on: the last block's attention, attention "
        "multiplied through all blocks, and attention weighted by its effect on the answer.",
        draw_methods,
    ),
    (
        "distance.png",
        "Attention distance",
        f"How far each head looks, averaged over up to {AVERAGED} test images.",
        draw_distance,
    ),
    (
        "positions.png",
        "Position embeddings",
        "For each patch, how alike its position embedding is to every other's.",
        draw_positions,
    ),
    (
        "filters.png",
        "First filters",
        "Principal components of the filters on the pixels.",
        draw_filters,
    ),
    (
        "augmentation.png",
        "Augmentation",
        "What AutoAugment, which the model was trained with, does to a test image.",
        draw_augmentation,
    ),
)
