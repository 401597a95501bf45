import dataclasses
import json

import pytest

from keras_vit.commands.train import main
from keras_vit.runs import Preset, Recipe
from keras_vit.runs.preset_file import read_preset, write_preset

TINY = {"patch_size": 2, "hidden_dim": 16, "depth": 1, "num_heads": 2, "mlp_dim": 16}
PRESET = Preset("s", "e", epochs=1, crop_padding=1, crop_scale=(0.5, 1.0), model=TINY, batch_size=8)
RECIPE = Recipe("tiny", "digits", {"a": PRESET, "b": PRESET}, on_cpu="a", on_gpu="b")


def test_a_preset_comes_back_from_its_file(tmp_path):
    write_preset(tmp_path / "p.json", PRESET)
    again = read_preset(tmp_path / "p.json")
    assert again.model == TINY
    assert tuple(again.crop_scale) == PRESET.crop_scale
    write_preset(tmp_path / "q.json", again)
    assert (tmp_path / "p.json").read_text() == (tmp_path / "q.json").read_text()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"epochs": "3"}, "`epochs` must be an integer. Received: epochs='3'"),
        ({"epochs": True}, "`epochs` must be an integer. Received: epochs=True"),
        ({"epochs": 0}, "epochs"),
        (
            {"peak_learning_rate": "fast"},
            "`peak_learning_rate` must be a number.* Received: peak_learning_rate='fast'",
        ),
        ({"crop_scale": 0.5}, "`crop_scale` must be .*a list.* Received: crop_scale=0.5"),
        ({"model": [1]}, "`model` must be an object. Received: model="),
        ({"model": {"deepness": 3}}, "`model` must hold arguments of ViT.* Received: deepness"),
        ({"model": {"image_shape": [8, 8, 3]}}, "none of .*image_shape.* Received: image_shape"),
        ({"model_class": "Vit"}, "no model class 'Vit'"),
        ({"speed": 3}, "speed"),
        ({"clip_norm": float("inf")}, "`clip_norm` must be finite. Received: clip_norm=inf"),
        (
            {"model": {"dropout": float("nan")}},
            "`model.dropout` must be finite. Received: model.dropout=nan",
        ),
        (
            {"crop_scale": [0.5, float("inf")]},
            "`crop_scale` must be finite. Received: crop_scale=inf",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path, changes, named):
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"summary": "s", "expect": "e", "epochs": 1, **changes}))
    with pytest.raises(ValueError, match=named) as error:
        read_preset(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("content", ["", "{", "[]", "3", None])
def test_a_recipe_refuses_a_file_without_a_preset_in_one_line(tmp_path, capsys, content):
    path = tmp_path / "p.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SystemExit) as end:
        main(RECIPE, "", ["--config", str(path), "--out", str(tmp_path / "run")])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert str(path) in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"model": {**TINY, "dropout": "0.1"}},
        {"model": {**TINY, "drop_path": "0.1"}},
        {"model": {**TINY, "num_registers": "2"}},
        {"model": {**TINY, "rescaling": 1}},
        {"model": {**TINY, "patch_size": None}},
        {"crop_scale": ["a", "b"]},
        {"affine": {"angle": 30}},
        {"auto_augment": {"policy": 3}},
    ],
)
@pytest.mark.parametrize("flags", [[], ["--time-limit", "1"]])
def test_a_recipe_names_the_file_of_a_preset_that_can_not_be_built(
    tmp_path, capsys, changes, flags
):
    path = tmp_path / "p.json"
    write_preset(path, dataclasses.replace(PRESET, **changes))
    with pytest.raises(SystemExit) as end:
        main(RECIPE, "", ["--config", str(path), "--out", str(tmp_path / "run"), *flags])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert str(path) in line
    assert not (tmp_path / "run").exists()


def test_a_file_and_a_preset_by_name_exclude_each_other(tmp_path, capsys):
    write_preset(tmp_path / "p.json", PRESET)
    with pytest.raises(SystemExit):
        main(RECIPE, "", ["--config", str(tmp_path / "p.json"), "--preset", "a"])
    assert "--config and --preset exclude each other" in capsys.readouterr().err


@pytest.mark.medium
def test_a_recipe_trains_what_the_file_says_and_goes_on_with_no_other(tmp_path, capsys):
    write_preset(tmp_path / "p.json", PRESET)
    words = ["--config", str(tmp_path / "p.json"), "--limit", "16", "--out", str(tmp_path / "run")]
    main(RECIPE, "", words)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert metrics["preset"] == "config"
    assert config["preset"]["model"] == TINY
    with pytest.raises(SystemExit):
        main(RECIPE, "", [*words[2:], "--config", "other.json", "--resume"])
    assert "config" in capsys.readouterr().err
