"""Tiny models in files, and the one line that a command refuses with."""

import keras
import numpy as np
import pytest
from PIL import Image

from keras_vit import ViT
from keras_vit.commands import main

NAMES = ("ant", "bee", "cat", "dog", "elk", "fox")


def tiny_vit():
    keras.utils.set_random_seed(0)
    model = ViT((8, 8, 3), 2, 6, hidden_dim=16, depth=2, num_heads=2, mlp_dim=16, class_names=NAMES)
    rng = np.random.default_rng(0)
    model.set_weights([w + rng.normal(0, 0.1, w.shape) for w in model.get_weights()])
    return model


def tiny_cnn():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


@pytest.fixture(scope="session")
def vit_folder(tmp_path_factory):
    """A run's folder, but for what training adds."""
    folder = tmp_path_factory.mktemp("models") / "insects"
    folder.mkdir()
    tiny_vit().save(folder / "model.keras")
    return folder


@pytest.fixture(scope="session")
def cnn_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "plain.keras"
    tiny_cnn().save(path)
    return path


@pytest.fixture
def picture(tmp_path):
    """A picture of another size than the models take."""
    path = tmp_path / "picture.png"
    pixels = np.random.default_rng(1).integers(0, 256, (12, 16, 3)).astype("uint8")
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def refused(capsys):
    """Runs a command that must end with status 2, and gives its one line on stderr."""

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in arguments])
        assert end.value.code == 2
        captured = capsys.readouterr()
        lines = captured.err.strip().splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("keras-vit")
        return lines[0]

    return run
