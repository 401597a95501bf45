"""The list of all pictures of a report, and the choice of those that apply to a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_vit.inspection.classifier import Classifier
from keras_vit.inspection.examples import examples
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

SHOWN = 8  # number of images side by side
OVERLAID = 4  # number of images with a row of heat maps
AVERAGED = 64  # number of images over which distances are averaged


class Subject(NamedTuple):
    """The model and the data of which the pictures are drawn.

    Args:
        classifier: the `Classifier`.
        images: uint8 array `(N, H, W, C)`, test images of any size.
        labels: int array `(N,)`, true classes.
        probabilities: float array `(N, K)`, the predictions of the model.
        history: list of dicts, the rows of `history.csv`, or None if there is no history. Default:
            None.
        validation: str, name of the images of the history's columns `val_...`. Default: "test".
        auto_augment: dict, arguments of the `AutoAugment` with which the model was trained. None:
            the model was trained without AutoAugment, or its training is unknown. Default: None.
        seed: int, by which the images to show are chosen. Default: 0.
    """

    classifier: Classifier
    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    history: list[dict[str, str]] | None = None
    validation: str = "test"
    auto_augment: Mapping | None = None
    seed: int = 0

    def chosen(self, count: int) -> np.ndarray:
        """Return the indices of `count` images to show, which are spread over the classes."""
        return examples(self.labels, count, self.seed)


def draw_pictures(
    subject: Subject, folder: Path, ready: Sequence[Path] = ()
) -> tuple[list[Picture], list[str]]:
    """Draw every picture that applies to a model, as PNG files.

    The model computes only some of the test images again, however many there are.

    Args:
        subject: the `Subject`, model and data.
        folder: Path, the folder for the files.
        ready: sequence of Paths, pictures that were drawn before. A picture of the same name is not
            drawn again. Default: ().

    Returns:
        The pictures, and one line for each reason why pictures are left out, with their titles.
    """
    drawn, left_out = [], {}
    before = {path.name: path for path in ready}
    for name, title, caption, draw in PICTURES:
        path = before.get(name, folder / name)
        try:
            if name not in before:
                draw(subject, path)
        except ValueError as reason:  # Every function raises it if its picture does not apply.
            left_out.setdefault(str(reason), []).append(title)
        else:
            drawn.append(Picture(title, caption, path))
    return drawn, [f"{', '.join(titles)}: {reason}" for reason, titles in left_out.items()]


def draw_curves(subject, path):
    needed = {"loss", "accuracy", "learning_rate"}
    if not subject.history or needed - subject.history[0].keys():
        raise ValueError("there is no history of the training")
    curves_picture(subject.history, path, subject.validation)


def draw_confusion(subject, path):
    predicted = subject.probabilities.argmax(axis=1)
    confusion_picture(subject.labels, predicted, subject.classifier.class_names, path)


def draw_mistakes(subject, path):
    if (subject.probabilities.argmax(axis=1) == subject.labels).all():
        raise ValueError("the model made no mistake on the test images")
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
        raise ValueError("the model was trained without AutoAugment, or its training is unknown")
    augmentation_picture(subject.images[subject.chosen(1)[0]], path, **subject.auto_augment)


def with_attention(subject: Subject, count: int):
    """Return the model, and `count` images and labels for a picture of its attention.

    Raises:
        ValueError: if the model has no attention, so that the picture does not apply.
    """
    if not subject.classifier.has_attention:
        raise ValueError("the model has no attention blocks over a grid of patches")
    chosen = subject.chosen(count)
    images = subject.classifier.fitted(subject.images[chosen])
    return subject.classifier.model, images, subject.labels[chosen]


PICTURES = (
    (
        "curves.png",
        "Training",
        "Loss, accuracy and learning rate over the epochs. If the training augments or mixes its "
        "images, or uses dropout, the loss in training may be higher than the loss in the test.",
        draw_curves,
    ),
    (
        "confusion.png",
        "Confusions",
        "Rows are true classes and columns predicted classes. For a good model only the diagonal "
        "is bright.",
        draw_confusion,
    ),
    (
        "mistakes.png",
        "Most confident mistakes",
        "The test images with a wrong prediction of the highest probability. Among them are often "
        "images whose label is wrong.",
        draw_mistakes,
    ),
    (
        "calibration.png",
        "Calibration",
        "The accuracy of predictions with about the same probability. Below the diagonal the "
        "model is too confident, above it the model is not confident enough.",
        draw_calibration,
    ),
    (
        "attention.png",
        "Attention of the last block",
        "Test images, and below them the same images multiplied by the attention to each patch.",
        draw_attention,
    ),
    (
        "attention_layers.png",
        "Attention block by block",
        "What each block attends to, as the mean over its heads. Each panel has its own scale.",
        draw_layers,
    ),
    (
        "attention_heads.png",
        "Attention head by head",
        "What each head of the last block attends to. Different heads may look for different "
        "things.",
        draw_heads,
    ),
    (
        "attention_methods.png",
        "Attention, rollout and relevance",
        "Three ways to show which patches matter for the prediction: the attention of the last "
        "block, the attention of all blocks multiplied together, and the attention weighted by "
        "its effect on the prediction.",
        draw_methods,
    ),
    (
        "distance.png",
        "Attention distance",
        f"The distance over which each head attends, averaged over at most {AVERAGED} test images.",
        draw_distance,
    ),
    (
        "positions.png",
        "Position embeddings",
        "For each patch, the similarity of its position embedding to those of all patches.",
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
        "AutoAugment",
        "What AutoAugment, with which the model was trained, does to a test image.",
        draw_augmentation,
    ),
)
