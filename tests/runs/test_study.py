"""A study in miniature: its variants one after the other, one of which chooses its epoch."""

import dataclasses
import json
import re

import keras
import numpy as np
import pytest

from keras_vit.commands.train import main
from keras_vit.data import load_data, train_validation_split
from keras_vit.runs import Preset, Recipe
from keras_vit.runs.best_epoch import best_epoch
from keras_vit.runs.checkpoint import Checkpoint
from keras_vit.runs.history import read_history

pytestmark = [pytest.mark.medium, pytest.mark.usefixtures("few_steps")]

SMALL = {"patch_size": 2, "hidden_dim": 16, "depth": 1, "num_heads": 2, "mlp_dim": 16}
FIRST = Preset(
    "the first",
    "nothing much",
    epochs=4,
    batch_size=16,
    model_class="KunViT",
    model={**SMALL, "rescaling": (1 / 255, 0.0)},
    optimizer="adam_l2",
    # Ever faster, so that the last epoch is not the best.
    peak_learning_rate=1e-3,
    schedule="exponential_by_epoch",
    epoch_decay=8.0,
    weight_decay=1e-4,
    validation_images=200,
    best_epoch_from=2,
    affine={"degrees": 10, "shift": 1},
)
RECIPE = Recipe(
    name="tiny_study",
    data="digits",
    study=True,
    presets={
        "first": FIRST,
        "flat": Preset(
            "no patches",
            "less",
            epochs=1,
            model_class="FlatViT",
            model={"num_heads": 4, "depth": 1},
            optimizer="adamw_all",
            schedule="exponential_by_epoch",
        ),
        "larger": dataclasses.replace(
            FIRST,
            epochs=1,
            best_epoch_from=None,
            image_size=12,
            crop_scale=(0.5, 1.0),
            schedule="cosine_by_epoch",
        ),
    },
    on_cpu="first",
    on_gpu="first",
)


def start(*arguments):
    main(RECIPE, "A tiny study.", ["--limit", "100", *arguments])


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder of a whole study, run as one command."""
    home = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        start("--all")
    return home / "saved_models" / "tiny_study"


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


def test_every_variant_has_a_folder_and_a_command_of_its_own(runs):
    assert {folder.name for folder in runs.iterdir()} == set(RECIPE.presets)
    for name in RECIPE.presets:
        command = metrics(runs / name)["command"]
        script = "recipes/reproductions/tiny_study.py"
        assert command == f"python {script} --limit 100 --variant {name}"
    pictures = {name: (runs / name / "attention.png").exists() for name in RECIPE.presets}
    assert pictures == {"first": True, "flat": False, "larger": True}


def test_resumed_it_runs_what_is_missing_alone(runs, monkeypatch, capsys):
    monkeypatch.chdir(runs.parents[1])
    before = (runs / "first" / "metrics.json").stat().st_mtime_ns
    (runs / "flat" / "metrics.json").unlink()
    start("--all", "--resume")
    assert capsys.readouterr().out.count("nothing to do") == 2
    assert (runs / "first" / "metrics.json").stat().st_mtime_ns == before
    assert (runs / "flat" / "metrics.json").exists()


def test_the_best_epoch_is_kept_by_validation_images_that_were_not_trained_on(runs):
    rows = read_history(runs / "first" / "history.csv")
    losses = [float(row["val_loss"]) for row in rows]
    best = 2 + int(np.argmin(losses[1:]))
    written = metrics(runs / "first")
    assert written["best_epoch"] == best < 4, "the case shows nothing: the last epoch is the best"
    assert written["training_images"] == 100

    data = load_data("digits")
    _, held_out = train_validation_split(*data.train, 200 / len(data.x_train), 0)
    model = keras.saving.load_model(runs / "first" / "model.keras")
    model.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    _, accuracy = model.evaluate(*held_out, verbose=0)
    assert accuracy == pytest.approx(float(rows[best - 1]["val_accuracy"]), abs=1e-6)


def test_killed_in_front_of_a_checkpoint_it_goes_on_to_the_same_best_epoch(runs, monkeypatch):
    """Its best weights may be of the epoch that the checkpoint does not hold."""
    folder = runs.parents[1] / "killed"
    save = Checkpoint.on_epoch_end
    for epoch in (1, 2, 3):

        def die(self, ended, logs=None, doomed=epoch):
            if ended == doomed:
                raise KeyboardInterrupt
            save(self, ended, logs)

        with monkeypatch.context() as patch:
            patch.setattr(Checkpoint, "on_epoch_end", die)
            with pytest.raises(SystemExit):
                start("--out", str(folder), "--resume")
    start("--out", str(folder), "--resume")
    killed, whole = metrics(folder), metrics(runs / "first")
    for key in ("best_epoch", "test_loss", "test_accuracy"):
        assert killed[key] == whole[key]


def test_one_that_fails_does_not_stop_the_others(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    broken = dataclasses.replace(RECIPE.presets["flat"], validation_images=5000)
    recipe = dataclasses.replace(RECIPE, presets={"broken": broken, **RECIPE.presets})
    del recipe.presets["first"], recipe.presets["larger"]
    with pytest.raises(SystemExit) as end:
        main(recipe, "", ["--limit", "100", "--all"])
    assert end.value.code == 2
    assert "1 of 2 failed: broken: 5000 validation images" in capsys.readouterr().err
    assert (recipe.folder("flat") / "metrics.json").exists()


def test_a_folder_in_the_way_is_said_before_anything_trains(runs, monkeypatch, capsys):
    monkeypatch.chdir(runs.parents[1])
    (runs / "first").rename(runs / "away")
    try:
        with pytest.raises(SystemExit):
            start("--all")
        assert "flat holds a run" in capsys.readouterr().err
        assert not (runs / "first").exists()
    finally:
        (runs / "away").rename(runs / "first")


def test_a_model_for_larger_images_is_trained_and_tested_at_its_size(runs):
    model = keras.saving.load_model(runs / "larger" / "model.keras")
    assert model.input_shape == (None, 12, 12, 1)
    assert metrics(runs / "larger")["test_images"] == 359


@pytest.mark.parametrize(
    ("losses", "first", "best"),
    [([3, 1, 2], 1, 2), ([1, 3, 2], 2, 3), ([1, 3], 12, 2), ([1, 1], 1, 1)],
)
def test_best_epoch(losses, first, best):
    assert best_epoch([{"val_loss": str(loss)} for loss in losses], first) == best


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "adam"}, "Received: optimizer='adam', weight_decay=0.0001"),
        ({"optimizer": "sgd"}, "Received: optimizer='sgd'"),
        ({"schedule": "quadratic"}, "Received: 'quadratic'"),
        ({"flip": "sideways"}, "Received: 'sideways'"),
        ({"validation_images": 0}, "`best_epoch_from` needs `validation_images`"),
        ({"checkpoint_epochs": 2}, "needs a checkpoint after every epoch"),
        ({"image_size": 12}, "`image_size` needs `crop_scale`"),
    ],
)
def test_a_preset_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        dataclasses.replace(FIRST, **changes)


def test_a_validation_part_that_leaves_nothing_is_refused_in_a_line(tmp_path, capsys):
    preset = dataclasses.replace(FIRST, validation_images=5000)
    with pytest.raises(SystemExit) as end:
        main(dataclasses.replace(RECIPE, presets={"first": preset}), "", ["--out", str(tmp_path)])
    assert end.value.code == 2
    assert "5000 validation images leave none of 1438" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_all_takes_no_single_folder(capsys):
    with pytest.raises(SystemExit) as end:
        start("--all", "--out", "somewhere")
    assert end.value.code == 2
    assert "no --out" in capsys.readouterr().err
