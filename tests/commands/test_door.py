"""One door: `keras-vit` knows every command, and a run by it is that of the recipe's file."""

import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from keras_vit.commands import main, parser_for
from keras_vit.commands.recipe_files import recipe_names
from keras_vit.commands.study import STUDIES
from keras_vit.version import __version__

ROOT = Path(__file__).parents[2]
COMMANDS = "train finetune pretrain search study evaluate predict inspect export summary serve"
OWN = '''"""A recipe of the user's own."""
from keras_vit.runs import Preset, Recipe

TINY = {"patch_size": 4, "hidden_dim": 8, "depth": 1, "num_heads": 1, "mlp_dim": 8}
RECIPE = Recipe("own", "digits", {"tiny": Preset("tiny", "nothing", 1, model=TINY)}, "tiny", "tiny")
'''


def printed(capsys, *words):
    """What a command prints that ends with status 0."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main(list(words))
    assert not end.value.code
    return capsys.readouterr().out


def test_help_names_every_command_and_each_has_a_help_of_its_own(capsys):
    text = printed(capsys, "--help")
    for command in COMMANDS.split():
        assert re.search(rf"^    {command} ", text, re.MULTILINE), command
        assert f"usage: keras-vit {command} " in printed(capsys, command, "--help")


def test_the_version_is_that_of_the_package(capsys):
    assert printed(capsys, "--version") == f"keras-vit {__version__}\n"


@pytest.mark.parametrize("name", ["digits", "mnist", "cifar10", "cifar100"])
def test_every_data_set_has_a_recipe_with_its_presets_in_the_help(name, capsys):
    assert name in recipe_names()
    text = printed(capsys, "train", name, "--help")
    recipe = runpy.run_path(str(ROOT / "recipes" / f"{name}.py"))["RECIPE"]
    assert all(f"  {preset}: " in text for preset in recipe.presets)


@pytest.mark.parametrize("name", STUDIES)
def test_every_published_system_is_a_study(name, capsys):
    text = printed(capsys, "study", name, "--help")
    assert "--variant" in text
    assert "--all" in text


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([], "COMMAND"),
        (["trian"], "trian"),
        (["train"], "RECIPE"),
        (["train", "imagenet"], "there is no recipe 'imagenet': choose cifar10, cifar100, digits"),
        (["train", "nowhere.py"], "nowhere.py: there is no such file"),
        (["train", "digits", "--preset", "best"], "'best'"),
        (["study", "resnet"], "there is no study 'resnet': choose visual_attention"),
        (["search", "--trials", "0"], "'0'"),
        (["finetune"], "a checkpoint is needed"),
    ],
)
def test_wrong_words_end_in_one_line(words, named, tmp_path, monkeypatch, refused):
    monkeypatch.chdir(tmp_path)
    assert named in refused(*words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("recipe", "old", "new"),
    [
        ("digits", "default", "small"),
        ("mnist", "cpu-10min", "compact-muon"),
        ("cifar10", "cpu-30min", "compact"),
        ("cifar100", "cpu-hour", "wide"),
    ],
)
def test_the_presets_old_names_are_understood(recipe, old, new):
    parser, words = parser_for(["train", recipe, "--preset", old])
    assert parser.parse_args(words).preset == new


@pytest.mark.medium
@pytest.mark.usefixtures("few_steps")
def test_a_recipe_file_of_ones_own_trains_and_evaluate_gives_its_test_again(
    tmp_path, capsys, monkeypatch
):
    report = "keras_vit.runs.finish_classifier.write_report"
    monkeypatch.setattr(report, lambda path, *_, **__: path.write_text(""))
    (tmp_path / "own.py").write_text(OWN)
    run = tmp_path / "run"
    main(["train", str(tmp_path / "own.py"), "--limit", "64", "--out", str(run)])
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["command"].startswith(f"keras-vit train {tmp_path / 'own.py'} --limit 64")
    capsys.readouterr()
    main(["evaluate", str(run), "--format", "json"])
    again = json.loads(capsys.readouterr().out)
    assert again["test_accuracy"] == metrics["test_accuracy"]
    assert again["test_loss"] == metrics["test_loss"]
    assert again["test_images"] == 359
    main(["evaluate", str(run / "model.keras"), "--data", "digits"])
    assert f"{metrics['test_accuracy']:.2%} of 359 test images" in capsys.readouterr().out


def test_evaluate_needs_data_for_a_model_that_is_no_runs(vit_folder, tmp_path, refused):
    assert "--data is needed" in refused("evaluate", vit_folder)
    images, labels = np.zeros((4, 8, 8, 3), "uint8"), np.arange(4) % 2
    np.savez(tmp_path / "two.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    assert "are not the model's" in refused("evaluate", vit_folder, "--data", tmp_path / "two.npz")
