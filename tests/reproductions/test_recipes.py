"""The published studies: their variants run, and the table says of each what there is."""

import dataclasses
import importlib
import json
import runpy
import subprocess
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
TABLE = runpy.run_path(str(FOLDER / "table.py"))
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
    assert {path.stem for path in FOLDER.glob("*.py")} == {*STUDIES, "table"}
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


@pytest.mark.backends
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
@pytest.mark.parametrize("name", [*STUDIES, "table"])
def test_help_tells_all(name, monkeypatch, capsys):
    script = str(FOLDER / f"{name}.py")
    monkeypatch.setattr(sys, "argv", [script, "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(script, run_name="__main__")
    assert not end.value.code
    out = capsys.readouterr().out
    flags = ("--keep",) if name == "table" else ("--variant", "--all", "--resume", "--limit")
    assert all(flag in out for flag in flags)


def test_the_tables_in_results_are_what_the_runs_say():
    page = (ROOT / "results" / "README.md").read_text()
    assert TABLE["table"]() in page
    assert TABLE["curve"]() in page


def test_kun_vits_curve_has_ours_by_epoch(tmp_path, monkeypatch):
    curve = TABLE["curve"]
    monkeypatch.setitem(curve.__globals__, "RESULTS", tmp_path)
    assert curve().count("not yet run") == 2
    put(tmp_path, "eight-heads", {"epochs": 200}, study="kun_vit")
    tested = [f"{epoch},{epoch / 1000 if epoch % 10 == 0 else ''}" for epoch in range(1, 201)]
    folder = tmp_path / "reproductions" / "kun_vit" / "eight-heads"
    (folder / "history.csv").write_text("\n".join(["epoch,val_accuracy", *tested]))
    assert "| eight-heads | 1.00 | 2.00 | 3.00 |" in curve()
    assert "| 89.71 | 89.87 |" in curve()


def test_a_row_is_filled_from_its_run_alone(tmp_path, monkeypatch):
    """What is shown for a full run, a shorter one and none."""
    row = TABLE["row"]
    monkeypatch.setitem(row.__globals__, "RESULTS", tmp_path)
    study = STUDIES["visual_attention"]
    published = study["PUBLISHED"]["cifar10"]

    def shown():
        return row(study["RECIPE"], "visual_attention", "cifar10", published)

    assert "| 61.83, 64.80, 64.89 | not yet run | – | 25 | `python recipes/repro" in shown()
    written = {"epochs": 3, "command": "python x.py --epochs 3", "device": "abacus"}
    put(tmp_path, "cifar10-short", {**written, "test_accuracy": 0.33333})
    assert "| not yet run | 25.00, 50.00, [33.33](" in shown()
    assert "| 3 of 25 | `python x.py --epochs 3` | abacus |" in shown()
    put(tmp_path, "cifar10", {**written, "epochs": 25, "best_epoch": 1, "test_accuracy": 0.9})
    assert "| 12.50, 40.00, [90.00](" in shown()
    assert "| 25.00, 50.00, [33.33](" in shown()


def test_a_kept_run_is_told_from_a_shorter_one(tmp_path, monkeypatch):
    keep = TABLE["keep"]
    monkeypatch.setitem(keep.__globals__, "RESULTS", tmp_path / "results")
    preset = dataclasses.asdict(STUDIES["kun_vit"]["RECIPE"].presets["cifar10"])
    config = {"recipe": "kun_vit", "preset_name": "cifar10", "preset": preset, "data": "cifar10"}
    run = tmp_path / "run"
    (run / "checkpoint").mkdir(parents=True)
    (run / "metrics.json").write_text("{}")
    (run / "model.keras").write_text("large")

    def kept(**more):
        (run / "config.json").write_text(
            json.dumps({"limit": None, "image_size": None, **config, **more})
        )
        return keep(run)

    whole = kept(preset={**preset, "expect": "said otherwise at the time"})
    assert whole == tmp_path / "results" / "reproductions" / "kun_vit" / "cifar10"
    assert {path.name for path in whole.iterdir()} == {"config.json", "metrics.json"}
    assert kept(data="folder/cifar10.npz", preset={**preset, "checkpoint_epochs": 4}) == whole
    assert kept(data="others.npz").name == "cifar10-short"
    assert kept(preset={**preset, "accumulate": 4}).name == "cifar10-short"
    assert kept(limit=100).name == "cifar10-short"
    assert kept(image_size=16).name == "cifar10-short"
    assert kept(preset={**preset, "epochs": 3}).name == "cifar10-short"


def put(results, variant, metrics, study="visual_attention"):
    folder = results / "reproductions" / study / variant
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "config.json").write_text(json.dumps({"preset": {"validation_images": 9}}))
    (folder / "history.csv").write_text("accuracy,val_accuracy\n0.125,0.4\n0.25,0.5\n")


def test_a_run_that_is_none_is_refused_in_a_line(tmp_path):
    done = subprocess.run(
        [sys.executable, str(FOLDER / "table.py"), "--keep", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("table.py: error: FileNotFoundError")
