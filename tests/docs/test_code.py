"""The Python code in README and docs: what is marked with `<!-- run -->` runs as printed."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

from keras_vit import ViT, load_checkpoint, to_huggingface, to_timm
from tests.docs.pages import GUIDES, fences, name
from tests.weights.google_files import vit_weights

CODE = [(page, code, marked) for page in GUIDES for code, marked in fences(page, "python")]
RUN = {
    f"{name(page)}-{i}": code
    for page in GUIDES
    for i, code in enumerate(code for code, marked in fences(page, "python") if marked)
}


def published_checkpoints(folder):
    np.savez(folder / "ViT-B_16.npz", **vit_weights(depth=1))
    model = load_checkpoint(folder / "ViT-B_16.npz")
    to_timm(model, folder / "timm")
    for file in ("model.safetensors", "config.json"):
        (folder / "timm" / file).rename(folder / file)
    to_huggingface(model, folder / "vit")


def photographs(folder):
    rng = np.random.default_rng(0)
    for kind in ("cat", "dog"):
        (folder / "photos" / kind).mkdir(parents=True)
        for i in range(10):
            pixels = rng.integers(0, 256, (40, 36, 3)).astype("uint8")
            Image.fromarray(pixels).save(folder / "photos" / kind / f"{i}.png")


def small_model(folder):
    model = ViT((8, 8, 1), 2, 10, hidden_dim=16, depth=2, num_heads=2, mlp_dim=16)
    model.save(folder / "vit.keras")


# What the code of a page finds in its folder, what is shortened in it, and what it leaves there.
BEFORE = {
    "docs/checkpoints.md-0": published_checkpoints,
    "docs/own-images.md-0": photographs,
    "docs/look-inside.md-0": small_model,
}
SHORTER = {
    "README.md-0": [("epochs=10", "epochs=1")],
    "docs/own-images.md-0": [("epochs=10", "epochs=1")],
    "docs/pretrain.md-0": [("epochs=10", "epochs=1")],
    "docs/search.md-0": [
        ("max_trials=20", "max_trials=1"),
        ("epochs=20", "epochs=1"),
        ("max_parameters=100_000", "max_parameters=100_000, jit_compile=False"),
    ],
}
LEAVES = {
    "README.md-0": ("vit.keras",),
    "docs/own-images.md-0": ("photos.keras",),
    "docs/pretrain.md-0": ("encoder.keras",),
    "docs/search.md-0": ("best.keras",),
    "docs/checkpoints.md-0": ("for_timm", "for_hf"),
}
ENVIRONMENT = {
    "docs/scaling.md-0": {
        "KERAS_BACKEND": "jax",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
    },
}


@pytest.mark.medium
@pytest.mark.parametrize("where", RUN)
def test_the_code_runs(where, tmp_path, monkeypatch):
    """In a folder of its own; in a process of its own where it needs another backend."""
    BEFORE.get(where, lambda folder: None)(tmp_path)
    code = RUN[where]
    for printed, replacement in SHORTER.get(where, ()):
        assert printed in code
        code = code.replace(printed, replacement)
    if where in ENVIRONMENT:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            cwd=tmp_path,
            env={**os.environ, **ENVIRONMENT[where]},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    else:
        monkeypatch.chdir(tmp_path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(code, where, "exec"), {"__name__": "__main__"})
    for left in LEAVES.get(where, ()):
        assert (tmp_path / left).exists()


def test_the_tables_above_name_code_that_is_there():
    assert {*BEFORE, *SHORTER, *LEAVES, *ENVIRONMENT} <= RUN.keys()


@pytest.mark.parametrize(("page", "code", "marked"), CODE)
def test_all_code_is_python(page, code, marked):
    compile(code, name(page), "exec")
