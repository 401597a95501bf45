"""What holds across backends, each in a process of its own."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from keras_vit import ViT

pytestmark = pytest.mark.medium

BACKENDS = ("tensorflow", "jax", "torch")
# As if they were not installed: nothing finds them.
BLOCKED = """
from importlib.machinery import PathFinder
import sys

def find_spec(name, path=None, target=None, find=PathFinder.find_spec):
    blocked = name.split(".")[0] in ("tensorflow", "tensorflow_datasets")
    return None if blocked else find(name, path, target)

PathFinder.find_spec = find_spec
"""


def python(code, *arguments, backend):
    environment = {**os.environ, "KERAS_BACKEND": backend}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_same_weights_give_the_same_logits_on_every_backend(tmp_path):
    rng = np.random.default_rng(0)
    kinds = {
        "plain": {},
        "bias": {"relative_positions": "bias", "patch_embedding": "conv", "layer_scale": 0.5},
        "rotary": {"relative_positions": "rotary", "patch_embedding": "stem", "pool": "mean"},
    }
    for kind, arguments in kinds.items():
        model = ViT(depth=1, hidden_dim=96, num_heads=3, mlp_dim=192, **arguments)
        model.set_weights([w + rng.normal(0, 0.02, w.shape) for w in model.get_weights()])
        model.save(tmp_path / f"{kind}.keras")
    images = rng.integers(0, 256, (8, 32, 32, 3)).astype("uint8")
    np.save(tmp_path / "images.npy", images)
    code = (
        "import sys, keras, numpy as np, keras_vit\n"
        "out, images, *models = sys.argv[1:]\n"
        "images = np.load(images)\n"
        "models = map(keras.saving.load_model, models)\n"
        "np.savez(out, *[model.predict(images, verbose=0) for model in models])"
    )
    models = [tmp_path / f"{kind}.keras" for kind in kinds]
    logits = {}
    for backend in BACKENDS:
        out = tmp_path / f"{backend}.npz"
        done = python(code, out, tmp_path / "images.npy", *models, backend=backend)
        assert done.returncode == 0, done.stderr
        with np.load(out) as of_models:
            logits[backend] = np.stack(list(of_models.values()))
    assert logits["tensorflow"].shape == (len(kinds), 8, 10)
    assert np.abs(logits["tensorflow"]).max(axis=(1, 2)).min() > 0.1
    np.testing.assert_allclose(logits["jax"], logits["tensorflow"], atol=1e-5)
    np.testing.assert_allclose(logits["torch"], logits["tensorflow"], atol=1e-5)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_training_does_not_import_tensorflow_where_it_is_installed(tmp_path, backend):
    """It takes memory, and seconds."""
    code = (
        "import sys, numpy as np, keras_vit;"
        "model = keras_vit.AugmentedModel(keras_vit.ViT((8, 8, 1), 4, 2, 8, 1, 1, 8));"
        "model.compile('adamw', metrics=['accuracy']);"
        "images, labels = np.zeros((4, 8, 8, 1), 'uint8'), np.arange(4) % 2;"
        "model.fit(images, labels, verbose=0);"
        "model.save_weights(sys.argv[1]); model.load_weights(sys.argv[1]);"
        "print('tensorflow.python' in sys.modules, hasattr(model, 'distribute_strategy'))"
    )
    done = python(code, tmp_path / "model.weights.h5", backend=backend)
    assert done.stdout.strip() == "False False", done.stderr


@pytest.mark.parametrize(
    ("backend", "data"),
    [
        pytest.param("jax", "npz", marks=pytest.mark.slow),
        pytest.param("torch", "digits", marks=pytest.mark.slow),
    ],
)
def test_without_tensorflow_the_digits_recipe_and_npz_files_work(tmp_path, backend, data):
    arguments = ["--out", tmp_path / "run", "--epochs", 1, "--limit", 64]
    if data == "npz":
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (40, 8, 8, 3)).astype("uint8")
        labels = np.arange(40) % 4
        np.savez(
            tmp_path / "mine.npz", x_train=images, y_train=labels, x_test=images, y_test=labels
        )
        arguments += ["--data", tmp_path / "mine.npz"]
    code = BLOCKED + (
        "import runpy; sys.argv[0] = 'recipes/digits.py';"
        "runpy.run_path('recipes/digits.py', run_name='__main__')"
    )
    done = python(code, *arguments, backend=backend)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "metrics.json").exists()


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_without_tensorflow_a_tfds_name_says_what_is_missing(tmp_path, backend):
    code = BLOCKED + (
        "import runpy; sys.argv[0] = 'recipes/mnist.py';"
        "runpy.run_path('recipes/mnist.py', run_name='__main__')"
    )
    done = python(code, "--out", tmp_path / "run", backend=backend)
    assert done.returncode == 2
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("mnist.py: error: ")
    assert "pip install tensorflow tensorflow-datasets" in line
    assert ".npz" in line
    assert not (tmp_path / "run").exists()


def test_importing_the_package_brings_in_nothing_slow():
    code = (
        "import sys, keras; before = set(sys.modules); import keras_vit;"
        "new = sorted({m.split('.')[0] for m in set(sys.modules) - before});"
        "import json; print(json.dumps(new))"
    )
    done = python(code, backend="jax")
    assert done.returncode == 0, done.stderr
    new = set(json.loads(done.stdout))
    assert not new & {"matplotlib", "scipy", "sklearn", "PIL", "tensorflow", "keras_tuner"}
