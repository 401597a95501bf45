"""The pretraining recipe, in miniature."""

import dataclasses
import json
import runpy
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_vit import ViT, load_data
from keras_vit.commands.train import main
from keras_vit.runs import build
from keras_vit.runs.history import read_history

pytestmark = [pytest.mark.medium, pytest.mark.usefixtures("few_steps")]

RECIPES = Path(__file__).parents[2] / "recipes"
RECIPE = runpy.run_path(str(RECIPES / "pretrain.py"))["RECIPE"]
TINY = {"patch_size": 2, "hidden_dim": 16, "depth": 1, "num_heads": 2, "mlp_dim": 16}
SMALL = {"model": TINY, "decoder_dim": 8, "decoder_heads": 2, "epochs": 2, "batch_size": 32}
FILES = {
    "model.keras",
    "config.json",
    "history.csv",
    "metrics.json",
    "curves.png",
    "reconstruction.png",
}


def small(recipe):
    """The recipe with its digits' preset made small."""
    preset = dataclasses.replace(recipe.presets["digits"], **SMALL, flip=True)
    return dataclasses.replace(recipe, presets={**recipe.presets, "digits": preset})


def start(folder, *arguments):
    main(small(RECIPE), "", ["--data", "digits", "--out", str(folder), *arguments])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "finished"
    start(folder, "--limit", "100")
    return folder


@pytest.mark.backends
def test_a_run_leaves_an_ordinary_vit_its_numbers_and_pictures(finished):
    assert {p.name for p in finished.iterdir()} - {".lock"} == FILES
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics["preset"] == "digits"
    assert (metrics["training_images"], metrics["test_images"]) == (100, 359)
    assert "test_accuracy" not in metrics
    rows = read_history(finished / "history.csv")
    assert len(rows) == metrics["epochs"] == 2
    assert metrics["test_loss"] == pytest.approx(float(rows[-1]["val_loss"]), rel=1e-5)
    model = keras.saving.load_model(finished / "model.keras")
    assert type(model) is ViT
    assert metrics["parameters"] == model.count_params()
    assert model.predict(load_data("digits").x_test[:4], verbose=0).shape == (4, 16)


@pytest.mark.backends
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(finished, tmp_path, monkeypatch):
    """So the masks follow from seed and epoch."""
    from keras_vit.runs.checkpoint import Checkpoint

    class Killed(BaseException):
        pass

    def kill(self, epoch, logs=None):
        save(self, epoch, logs)
        raise Killed

    save = Checkpoint.on_epoch_end
    monkeypatch.setattr(Checkpoint, "on_epoch_end", kill)
    with pytest.raises(Killed):
        start(tmp_path / "run", "--limit", "100")
    monkeypatch.undo()
    start(tmp_path / "run", "--limit", "100", "--resume")
    ours, whole = (
        keras.saving.load_model(folder / "model.keras").get_weights()
        for folder in (tmp_path / "run", finished)
    )
    for a, b in zip(ours, whole, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_was_pretrained_can_be_fine_tuned(finished, tmp_path, monkeypatch):
    report = "keras_vit.runs.finish_classifier.write_report"
    monkeypatch.setattr(report, lambda path, *_, **__: None)
    recipe = runpy.run_path(str(RECIPES / "finetune.py"))["RECIPE"]
    arguments = ["--data", "digits", "--limit", "64", "--epochs", "1", "--batch-size", "32"]
    main(recipe, "", [str(finished), *arguments, "--out", str(tmp_path / "run")])
    tuned = keras.saving.load_model(tmp_path / "run" / "model.keras")
    assert tuned.output_shape == (None, 10)
    assert tuned.class_names == tuple("0123456789")


@pytest.mark.parametrize("preset", RECIPE.presets)
def test_every_preset_can_be_built_for_its_data(preset):
    preset = RECIPE.presets[preset]
    shape = (8, 8, 1) if preset.data == "digits" else (32, 32, 3)
    data = load_data("digits")._replace(x_train=np.zeros((1, *shape), "uint8"))
    model = build.build_model(preset, data)
    trainer = build.build_trainer(preset, model, steps_per_epoch=10)
    assert trainer.encoder is model
    assert trainer.decoder.count_params() < model.count_params()


def test_images_that_make_no_patches_end_in_one_line_and_status_2(tmp_path, capsys):
    images = np.zeros((20, 9, 9, 1), "uint8")
    labels = np.arange(20) % 2
    np.savez(tmp_path / "nine.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    with pytest.raises(SystemExit) as end:
        main(RECIPE, "", ["--data", str(tmp_path / "nine.npz"), "--out", str(tmp_path / "run")])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "does not divide an image of 9x9" in line
    assert not (tmp_path / "run").exists()
