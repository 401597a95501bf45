import dataclasses
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_vit import ViT
from keras_vit.data import ImageData
from keras_vit.runs import build

FOLDER = Path(__file__).parents[2] / "recipes"
FILES = sorted(path for path in FOLDER.glob("*.py") if path.stem != "search")
SHAPES = {
    "digits": (8, 8, 1),
    "mnist": (28, 28, 1),
    "cifar10": (32, 32, 3),
    "cifar100": (32, 32, 3),
}
RECIPES = {path.stem: runpy.run_path(str(path))["RECIPE"] for path in FILES}
DATA_SETS = {name: recipe for name, recipe in RECIPES.items() if name in SHAPES}
# CIFAR-100's are CIFAR-10's; those that may be in bfloat16 are for JAX and PyTorch, but for a
# CPU's default, which is in float32 on TensorFlow.
PRESETS = [
    (recipe, name)
    for recipe, r in DATA_SETS.items()
    for name, preset in r.presets.items()
    if recipe != "cifar100" or name == "compact"
    if preset.dtype == "float32" or name == r.on_cpu or keras.backend.backend() != "tensorflow"
]
# What may differ between presets whose steps are compiled alike, once their models are made small.
NUMBERS = (
    *("summary", "expect", "epochs", "steps_per_epoch", "checkpoint_epochs", "warmup_epochs"),
    *("batch_size", "peak_learning_rate", "final_learning_rate", "weight_decay"),
)
SIZES = ("hidden_dim", "depth", "num_heads", "mlp_dim", "width", "widths")


def compiled_alike(recipe, name):
    """What the compiled step of a preset depends on, as text."""
    preset = dataclasses.asdict(DATA_SETS[recipe].presets[name])
    kept = {key: value for key, value in preset.items() if key not in NUMBERS}
    kept["model"] = {key: value for key, value in kept["model"].items() if key not in SIZES}
    return recipe, json.dumps(kept, sort_keys=True, default=dict)


# Of presets that are compiled alike, the first.
PRESETS = list({compiled_alike(*pair): pair for pair in reversed(PRESETS)}.values())[::-1]
TUNING = RECIPES["finetune"].presets


def test_there_is_a_recipe_for_each_data_set_and_it_names_its_presets():
    assert set(DATA_SETS) == set(SHAPES)
    assert all(recipe.data == name for name, recipe in DATA_SETS.items())
    for name, recipe in RECIPES.items():
        assert recipe.name == name
        assert {recipe.on_cpu, recipe.on_gpu} <= set(recipe.presets)


@pytest.mark.medium
@pytest.mark.backends
@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_the_step_of_every_preset_is_compiled_with_its_augmentation(name, preset):
    """Keras drops `jit_compile` with a mere warning where a layer does not support it."""
    shape = SHAPES[name]
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (16, *shape)).astype("uint8")
    labels = (np.arange(16) % 10).astype("int32")
    data = ImageData(images, labels, images, labels, tuple("abcdefghij"))
    preset = RECIPES[name].presets[preset]
    sizes = {"hidden_dim": 32, "depth": 1, "num_heads": 2, "mlp_dim": 32}
    if preset.model_class == "ResNet":
        sizes = {"width": 8}
    elif preset.model_class == "ConvViT":
        sizes["widths"] = (8,) * len(preset.model["widths"])
    small = {**preset.model, **sizes}
    auto = "float32" if keras.backend.backend() == "tensorflow" else "mixed_bfloat16"
    dtype = auto if preset.dtype == "auto" else preset.dtype
    preset = dataclasses.replace(preset, model=small, dtype=dtype)
    trainer = build.build_trainer(preset, build.build_model(preset, data), steps_per_epoch=2)
    assert trainer.jit_compile == (keras.backend.backend() != "torch")
    groups = 1 if keras.backend.backend() == "torch" else 2
    assert trainer.steps_per_execution == min(preset.steps_per_execution, groups)
    assert trainer.model.compute_dtype == preset.dtype.removeprefix("mixed_")
    assert all(layer.supports_jit for layer in trainer.augment)
    history = trainer.fit(images, labels, batch_size=8, verbose=0).history
    assert trainer.jit_compile == (keras.backend.backend() != "torch")
    assert np.isfinite(history["loss"]).all()


@pytest.mark.medium
@pytest.mark.backends
@pytest.mark.parametrize("name", ["adamw", "lora"])
def test_the_step_of_fine_tuning_is_compiled_too(name):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (16, 18, 18, 3)).astype("uint8")
    labels = (np.arange(16) % 3).astype("int32")
    start = ViT((16, 16, 3), 4, hidden_dim=32, depth=1, num_heads=2, mlp_dim=32)
    data = ImageData(images, labels, images, labels, ("a", "b", "c"))
    trainer = build.build_trainer(
        TUNING[name], build.build_model(TUNING[name], data, start), steps_per_epoch=2
    )
    history = trainer.fit(images, labels, batch_size=8, verbose=0).history
    assert trainer.jit_compile == (keras.backend.backend() != "torch")
    assert np.isfinite(history["loss"]).all()


@pytest.mark.slow
def test_digits_reaches_what_it_promises(tmp_path):
    """Also that a whole recipe works, as a user would start it: XLA optimises, which pays here."""
    done = subprocess.run(
        [sys.executable, "recipes/digits.py", "--out", str(tmp_path)],
        env={name: value for name, value in os.environ.items() if name != "XLA_FLAGS"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["test_images"] == 359
    assert metrics["test_accuracy"] >= 0.985


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_help_tells_all(path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(path), run_name="__main__")
    assert end.value.code == 0
    said = capsys.readouterr().out
    for flag in ("--data", "--epochs", "--batch-size", "--seed", "--limit", "--out", "--preset"):
        assert flag in said
    for preset in RECIPES[path.stem].presets:
        assert f"  {preset}: " in said
