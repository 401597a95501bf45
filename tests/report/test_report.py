import base64
import io
import re
from html.parser import HTMLParser

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score, log_loss

from keras_vit import ViT
from keras_vit.inspection.classifier import Classifier
from keras_vit.report.html_page import Picture, write_page
from keras_vit.report.pictures import PICTURES, Subject, draw_pictures
from keras_vit.report.report import write_report
from tests.helpers import disturbed

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 8, 8, 3)).astype("uint8")
LABELS = np.arange(6) % 4
HISTORY = [{"epoch": "1", "loss": "2", "accuracy": "0.1", "learning_rate": "0.1"}]


def subject(model, **more):
    classifier = Classifier(model)
    return Subject(classifier, IMAGES, LABELS, classifier.probabilities(IMAGES), **more)


def tiny_vit(**arguments):
    return ViT((8, 8, 3), 4, 4, hidden_dim=8, depth=2, num_heads=2, mlp_dim=8, **arguments)


def convolutional():
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(4),
        ]
    )


class Page(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_needs_nothing_else_and_holds_its_pictures_whole(tmp_path):
    for k in range(2):
        Image.fromarray(IMAGES[k]).save(tmp_path / f"{k}.png")
    pictures = [Picture(f"Picture {k}", "<How to read it>", tmp_path / f"{k}.png") for k in (0, 1)]
    write_page(tmp_path / "page.html", "cats & dogs", {"A < B": "1 %"}, pictures, ["Other: why"])
    page = Page(tmp_path / "page.html")
    for image, pixels in zip(page.all("img"), IMAGES, strict=False):
        kind, data = image["src"].split(",")
        assert kind == "data:image/png;base64"
        np.testing.assert_array_equal(Image.open(io.BytesIO(base64.b64decode(data))), pixels)
    assert [image["alt"] for image in page.all("img")] == ["Picture 0", "Picture 1"]
    assert not re.search(r"https?://|@import|url\(", (tmp_path / "page.html").read_text())
    assert not page.all("script")
    assert not page.all("link")
    for text in ("cats & dogs", "A < B", "1 %", "<How to read it>", "Other: why"):
        assert text in page.text
    assert page.all("html") == [{"lang": "en"}]


def test_the_table_has_scikit_learns_numbers(tmp_path):
    model = disturbed(tiny_vit(), 0.3)
    drawn = subject(model)
    metrics = {"epochs": 3, "command": "python recipes/tiny.py", "other": 1}
    write_report(tmp_path / "report.html", "tiny", drawn, metrics)
    text = Page(tmp_path / "report.html").text
    predicted = drawn.probabilities.argmax(axis=1)
    assert f"{accuracy_score(LABELS, predicted):.2%}" in text
    assert f"{log_loss(LABELS, drawn.probabilities, labels=range(4)):.4f}" in text
    assert f"{model.count_params():,}" in text
    assert "python recipes/tiny.py" in text
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.medium
def test_every_picture_applies_to_a_vit_trained_with_autoaugment(tmp_path):
    drawn = subject(tiny_vit(), history=HISTORY, auto_augment={"policy": "cifar10"})
    pictures, left_out = draw_pictures(drawn, tmp_path)
    assert left_out == []
    names = [name for name, *_ in PICTURES]
    assert [picture.path.name for picture in pictures] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_a_model_without_attention_gets_what_applies_and_is_told_what_not(tmp_path):
    pictures, left_out = draw_pictures(subject(convolutional()), tmp_path)
    drawn = {picture.path.stem for picture in pictures}
    assert drawn == {"confusion", "mistakes", "calibration", "filters"}
    assert left_out == [
        "Training: there is no history of the training",
        "Attention of the last block, Attention block by block, Attention head by head, "
        "Attention, rollout and relevance, Attention distance, Position embeddings: "
        "the model has no attention blocks over a grid of patches",
        "AutoAugment: the model was trained without AutoAugment, or its training is unknown",
    ]


def test_a_model_that_makes_no_mistakes_has_none_to_show(tmp_path):
    probabilities = np.eye(4)[LABELS]
    drawn = subject(convolutional())._replace(probabilities=probabilities)
    _, left_out = draw_pictures(drawn, tmp_path)
    assert "Most confident mistakes: the model made no mistake on the test images" in left_out


def test_pictures_that_are_there_already_are_taken_as_they_are(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "scratch").mkdir()
    ready = tmp_path / "run" / "confusion.png"
    ready.write_bytes(b"drawn before")
    pictures, _ = draw_pictures(subject(convolutional()), tmp_path / "scratch", [ready])
    assert ready in [picture.path for picture in pictures]
    assert ready.read_bytes() == b"drawn before"
    assert not (tmp_path / "scratch" / "confusion.png").exists()
