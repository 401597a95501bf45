import functools

import numpy as np
import pytest
from PIL import Image

from keras_vit import AugmentedModel, ViT
from keras_vit.report import curves
from keras_vit.report.attention_picture import attended_images, attention_picture
from keras_vit.report.augmentation_picture import augmentation_picture
from keras_vit.report.calibration_picture import calibration_picture
from keras_vit.report.confusion_picture import confusion_picture
from keras_vit.report.curves import curves_picture
from keras_vit.report.distance_picture import attention_distance_picture
from keras_vit.report.figures import short_names, spread
from keras_vit.report.filters_picture import filters_picture
from keras_vit.report.mistakes_picture import mistakes_picture
from keras_vit.report.overlays import (
    attention_heads_picture,
    attention_layers_picture,
    attention_methods_picture,
)
from keras_vit.report.positions_picture import position_similarity_picture

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (3, 8, 12, 1)).astype("uint8")
COLOR = RNG.integers(0, 256, (3, 8, 12, 3)).astype("uint8")
SMALL = {"patch_size": (4, 2), "hidden_dim": 8, "depth": 2, "num_heads": 2, "mlp_dim": 8}
OF_IMAGES = (
    attention_picture,
    attention_layers_picture,
    attention_heads_picture,
    attention_methods_picture,
)


@functools.cache
def model_of(channels):
    """One with class token, names and a map of odd shape; one with none of them."""
    if channels == 1:
        names = [f"$class {i}" for i in range(10)]  # a name is no formula
        return ViT((8, 12, 1), **SMALL, class_names=names)
    return ViT((8, 12, 3), **SMALL, pool="mean", num_registers=1)


def drawn_whole(path):
    """Whether a PNG is there, with more than its background, and no draft beside it."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    return (pixels != pixels[0, 0]).any(axis=-1).mean() > 0.05


def test_attended_images_are_image_times_scaled_map_doubled():
    images = np.full((1, 4, 4, 3), 100, "uint8")
    attention = np.array([[[0.1, 0.1], [0.1, 0.5]]])
    shown = attended_images(images, attention)
    assert shown.shape == images.shape
    assert shown[0, 0, 0, 0] == 0
    assert shown[0, 3, 3, 0] == 200
    assert shown[0, 3, 1, 0] < shown[0, 3, 2, 0] < 200


@pytest.mark.parametrize("picture", OF_IMAGES)
def test_pictures_of_images_are_drawn_whole(tmp_path, picture):
    path = tmp_path / "picture.png"
    picture(model_of(1), GREY, np.array([1, 2, 3]), path)
    assert drawn_whole(path)
    picture(AugmentedModel(model_of(3)), COLOR, None, path)
    assert drawn_whole(path)


@pytest.mark.parametrize("picture", OF_IMAGES)
def test_images_and_labels_that_do_not_fit_are_refused(tmp_path, picture):
    path = tmp_path / "picture.png"
    with pytest.raises(ValueError, match=r"\(B, 8, 12, 1\). Received: shape=\(3, 8, 12, 3\)"):
        picture(model_of(1), COLOR, None, path)
    with pytest.raises(ValueError, match="no images"):
        picture(model_of(1), GREY[:0], None, path)
    for labels in ([1, 2], [1, 2, 10], [0.5, 1, 2]):
        with pytest.raises(ValueError, match="`labels` must be 3 classes of 0 to 9. Received"):
            picture(model_of(1), GREY, labels, path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "draw",
    [
        lambda path: attention_distance_picture(model_of(3), COLOR, path, batch_size=2),
        lambda path: filters_picture(model_of(1), path),
        lambda path: filters_picture(model_of(3), path, count=3),
        lambda path: position_similarity_picture(model_of(1), path),
        lambda path: augmentation_picture(COLOR[0], path),
        lambda path: augmentation_picture(GREY[0], path),
    ],
)
def test_pictures_of_models_and_augmentation_are_drawn_whole(tmp_path, draw):
    draw(tmp_path / "picture.png")
    assert drawn_whole(tmp_path / "picture.png")


@pytest.mark.parametrize("classes", [4, 100])
def test_pictures_of_answers_are_drawn_whole(tmp_path, classes):
    path = tmp_path / "picture.png"
    names = [f"class {i}" for i in range(classes)]
    labels = np.arange(200) % classes
    confusion_picture(labels, np.roll(labels, 1), names, path)
    assert drawn_whole(path)
    probabilities = RNG.dirichlet(np.ones(classes), 200)
    calibration_picture(probabilities, labels, path)
    assert drawn_whole(path)
    mistakes_picture(np.repeat(GREY[:1], 200, axis=0), probabilities, labels, names, path, 9)
    assert drawn_whole(path)


def test_a_model_without_mistakes_has_its_pictures_all_the_same(tmp_path):
    path = tmp_path / "picture.png"
    mistakes_picture(GREY, np.eye(3), np.arange(3), ["a", "b", "c"], path)
    confusion_picture(np.arange(3), np.arange(3), ["a", "b", "c"], path)
    assert drawn_whole(path)


def test_the_curves_are_drawn_whole(tmp_path):
    rows = [
        {"epoch": "1", "loss": "2.0", "accuracy": "0.1", "learning_rate": "0.001", "val_loss": ""},
        {"epoch": "2", "loss": "1.0", "accuracy": "0.5", "learning_rate": "0.0", "val_loss": "1"},
    ]
    curves_picture(rows, tmp_path / "curves.png")
    assert drawn_whole(tmp_path / "curves.png")


@pytest.mark.parametrize("epochs", [1, 2, 40])
def test_epochs_are_whole_numbers_and_no_exponent_stands_in_the_title(monkeypatch, epochs):
    figures = []
    monkeypatch.setattr(curves, "save_figure", lambda figure, path: figures.append(figure))
    rows = [
        {"epoch": str(i), "loss": "2", "accuracy": "0.1", "learning_rate": str(1e-5 / i)}
        for i in range(1, epochs + 1)
    ]
    curves_picture(rows, None)
    (figure,) = figures
    figure.draw_without_rendering()
    for axes in figure.axes:
        low, high = axes.get_xlim()
        ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
        assert ticks
        assert all(tick == round(tick) for tick in ticks)
        assert axes.yaxis.get_offset_text().get_text() == ""


def test_an_image_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`image` must be \(H, W, C\). Received: shape=\(3, 8"):
        augmentation_picture(COLOR, tmp_path / "picture.png")


def test_long_names_are_cut_in_the_middle():
    assert short_names([7, "cat", 24 * "x"]) == ["7", "cat", 24 * "x"]
    assert short_names(["an extraordinarily long name 36"]) == ["an extraordi…ong name 36"]


def test_no_more_than_eight_are_drawn_the_first_and_last_among_them():
    assert spread(3) == [0, 1, 2]
    assert spread(8) == list(range(8))
    assert spread(24) == [0, 3, 7, 10, 13, 16, 20, 23]
