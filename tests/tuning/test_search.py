"""A whole search on real digits, in miniature."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from keras_vit.commands.search import main
from keras_vit.commands.train import main as recipe_main
from keras_vit.data import ImageData, load_data
from keras_vit.runs import Preset
from keras_vit.runs.images import RunImages
from keras_vit.runs.spec import RunSpec
from keras_vit.tuning import search as search_module
from keras_vit.tuning.spec import SearchSpec

RECIPES = Path(__file__).parents[2] / "recipes"
BASE = runpy.run_path(str(RECIPES / "search.py"))["BASE"]
WORDS = ["--data", "digits", "--limit", "128", "--trials", "2", "--epochs", "1"]
WORDS += ["--max-parameters", "80000", "--retrain-epochs", "1", "--batch-size", "64"]


def refused(capsys, *words):
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main(BASE, "", [str(word) for word in words])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("search.py: error: ")
    return line


@pytest.mark.medium
def test_a_search_stopped_before_the_winner_goes_on_and_leaves_all_files(
    tmp_path, monkeypatch, capsys
):
    out = tmp_path / "search"

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(search_module, "finish", stop)
        with pytest.raises(SystemExit) as end:
            main(BASE, "", [*WORDS, "--out", str(out)])
    assert end.value.code == 130
    assert "--resume goes on" in capsys.readouterr().err
    assert "holds a run" in refused(capsys, *WORDS, "--out", out)
    assert "trials=2" in refused(capsys, "--trials", 3, "--resume", "--out", out)

    capsys.readouterr()
    main(BASE, "", [*WORDS, "--resume", "--out", str(out)])
    said = capsys.readouterr().out
    assert "search: trial " not in said, "a finished trial was repeated"
    assert "2 trials completed, 0 failed or lost, of 2" in said
    names = {path.name for path in out.iterdir()}
    pictures = {"pareto.png", "parallel.png", "effects.png"}
    assert pictures | {"trials.csv", "winner.json", "defaults.json", "metrics.json"} < names
    metrics = json.loads((out / "metrics.json").read_text())
    retrained = json.loads((out / "winner" / "metrics.json").read_text())
    winner = json.loads((out / "winner.json").read_text())
    assert metrics["winner_test_accuracy"] == retrained["test_accuracy"]
    assert metrics["most_parameters"] <= 80000
    assert retrained["parameters"] == metrics["parameters"]
    held_out = winner["validation_images"]
    assert retrained["training_images"] + held_out == len(load_data("digits").x_train)

    main(BASE, "", ["--resume", "--out", str(out)])
    assert "nothing to do" in capsys.readouterr().out
    recipe = runpy.run_path(str(RECIPES / "digits.py"))["RECIPE"]
    with pytest.raises(SystemExit):  # the winner's file is one that recipes take
        recipe_main(recipe, "", ["--config", str(out / "winner.json"), "--out", str(out)])
    assert "holds a run" in capsys.readouterr().err

    # As if it had been stopped while the winner trained, and moved.
    for folder in (out, out / "winner"):
        (folder / "metrics.json").unlink()
    main(BASE, "", ["--resume", "--out", str(out.rename(tmp_path / "moved"))])
    assert (tmp_path / "moved" / "metrics.json").exists()


def test_the_trials_see_no_test_image(monkeypatch):
    run = RunSpec("search", Preset("", "", epochs=1), "search", "digits", "command")
    spec = SearchSpec(run, "random", 1, epochs=1, retrain_epochs=0, validation_images=8)
    x, y = np.zeros((40, 8, 8, 1), "uint8"), np.arange(40) % 4
    data = ImageData(x, y, x, y, tuple("abcd"))
    monkeypatch.setattr(search_module, "load_run_data", lambda _: data)
    images = search_module.search_images(spec)
    assert images.data.x_test is None
    assert images.data.y_test is None
    assert len(images.data.x_train) + len(images.validation[0]) == 40
    assert type(images) is RunImages


def test_bad_input_gets_one_line(tmp_path, capsys, monkeypatch):
    out = tmp_path / "search"
    small = refused(capsys, "--data", "digits", "--max-parameters", 100, "--out", out)
    assert "max_parameters=100" in small
    assert "hyperband" in refused(capsys, "--tuner", "hyperband2").lower()
    assert "--trials" in refused(capsys, "--tuner", "hyperband", "--trials", 3, "--out", out)
    assert "nowhere" in refused(capsys, "--config", "nowhere.json", "--out", out)
    assert "nothing.npz" in refused(capsys, "--data", "nothing.npz", "--out", out)
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    assert "KERASTUNER_TUNER_ID" in refused(capsys, "--data", "digits", "--out", out)
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "9")
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker-1")
    assert "no chief listened at 127.0.0.1:9 for 1 s" in refused(capsys, "--wait", 1, "--out", out)
    assert not out.exists()
