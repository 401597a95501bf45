"""What stands behind the page, without a browser."""

import numpy as np
import pytest
from PIL import Image

from keras_vit.commands import page
from keras_vit.inspection.classifier import Classifier
from tests.commands.conftest import NAMES, tiny_vit


@pytest.fixture(scope="module")
def classifier():
    return Classifier(tiny_vit())


def test_a_picture_of_too_many_pixels_is_refused_unread(classifier, tmp_path, monkeypatch):
    path = tmp_path / "wide.png"
    Image.fromarray(np.zeros((30, 40, 3), "uint8")).save(path)
    monkeypatch.setattr(page, "MAX_PIXELS", 1199)
    shown = page.look(classifier, path)
    assert (
        shown["message"]
        == "`wide.png`: a picture may have at most 1,199 pixels. Received: 40x30 pixels"
    )
    assert shown["label"] is None
    monkeypatch.setattr(page, "MAX_PIXELS", 1200)
    assert set(page.look(classifier, path)["label"]) < set(NAMES)
