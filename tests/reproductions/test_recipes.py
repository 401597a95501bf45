"""The published studies: each variant trains, and its preset says what was published."""

import dataclasses
import importlib
import runpy
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_vit.commands.study import STUDIES as STUDY_NAMES
from keras_vit.data import ImageData
from keras_vit.runs import build

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "recipes" / "reproductions"
STUDIES = {
    name: vars(importlib.import_module(f"keras_vit.reproductions.{name}")) for name in STUDY_NAMES
}
VARIANTS = [
    (name, variant) for name, study in STUDIES.items() for variant in study["RECIPE"].presets
]

# One variant for each model that differs in more than its classes.
MODELS = [
    ("visual_attention", "mnist"),
    ("visual_attention", "cifar10"),
    ("position_study", "learned"),
    ("position_study", "sincos"),
    ("position_study", "sincos-conv"),
    ("hybrid_study", "cifar10-patch8-12"),
    ("hybrid_study", "cifar10-hybrid"),
    ("hybrid_study", "cifar10-resnet34"),
    ("hybrid_study", "cifar10-resnet50"),
    ("hybrid_study", "cifar100-patch4-8"),
    ("kun_vit", "cifar10"),
    ("flat_image", "plain"),
    ("flat_image", "concat"),
    ("flat_image", "encoder-decoder"),
]
SMALL = {
    "VisualAttentionViT": {"hidden_dim": 16, "depth": 1, "num_heads": 2, "mlp_dim": 16},
    "PositionStudyViT": {"hidden_dim": 16, "depth": 1, "num_heads": 2, "mlp_dim": 16},
    "HybridStudyViT": {"hidden_dim": 16, "depth": 1, "num_heads": 2, "mlp_dim": 16},
    "HybridStudyResNet": {"units": (1, 1), "width": 8},
    "ResNet": {"width": 8},
    "KunViT": {"hidden_dim": 16, "depth": 1, "num_heads": 2, "mlp_dim": 16},
    "FlatViT": {"depth": 1},
}


def test_every_recipe_is_in_the_table_and_says_what_was_published():
    assert {path.stem for path in FOLDER.glob("*.py")} == set(STUDIES)
    for name, study in STUDIES.items():
        recipe, published = study["RECIPE"], study["PUBLISHED"]
        assert recipe.name == name
        assert (FOLDER / f"{name}.py").exists()
        blocked = {variant for variant, row in published.items() if "blocked" in row}
        assert set(recipe.presets) == set(published) - blocked


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_what_a_variant_expects_is_what_was_published(name, variant):
    study = STUDIES[name]
    expect = study["RECIPE"].presets[variant].expect
    row = study["PUBLISHED"][variant]
    assert row["test"] in expect if "test" in row else expect.startswith("no number was")


# The contract trains and saves each of these models on every backend; here it is their presets.
@pytest.mark.medium
@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize(("name", "variant"), MODELS)
def test_a_variant_trains_a_step_and_its_model_is_saved(name, variant, tmp_path):
    preset = STUDIES[name]["RECIPE"].presets[variant]
    size = 64 if preset.image_size else None  # what stands for 224: a patch of 7 in a map of 14
    size = 56 if "hybrid" in variant else size
    small = {**preset.model, **SMALL[preset.model_class]}
    preset = dataclasses.replace(preset, model=small, image_size=size, best_epoch_from=None)
    shape = (28, 28, 1) if (preset.data or STUDIES[name]["RECIPE"].data) == "mnist" else (32, 32, 3)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, *shape)).astype("uint8")
    labels = (np.arange(8) % 10).astype("int32")
    data = ImageData(images, labels, images, labels, tuple("abcdefghij"))
    model = build.build_model(preset, data)
    trainer = build.build_trainer(preset, model, steps_per_epoch=2)
    losses = trainer.fit(images, labels, batch_size=4, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    x = rng.uniform(0, 255, (3, *model.image_shape)).astype("float32")
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(again(x)), keras.ops.convert_to_numpy(model(x)), atol=1e-6
    )


@pytest.mark.medium
@pytest.mark.parametrize("name", list(STUDIES))
def test_help_tells_all(name, monkeypatch, capsys):
    script = str(FOLDER / f"{name}.py")
    monkeypatch.setattr(sys, "argv", [script, "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(script, run_name="__main__")
    assert not end.value.code
    out = capsys.readouterr().out
    assert all(flag in out for flag in ("--variant", "--all", "--resume", "--limit"))
