import json
import runpy
from pathlib import Path

import keras
import keras_tuner
import numpy as np
import pytest

import keras_vit
from keras_vit.runs import Preset, build
from keras_vit.train.batches import ShuffledBatches
from keras_vit.tuning import Space, ViTHyperModel, parameter_count

RECIPES = Path(__file__).parents[2] / "recipes"
SPACE = Space(
    depth=(1, 2),
    hidden_dim=(16, 32),
    num_heads=(1, 2),
    mlp_dim=(16, 32),
    patch_embedding=("linear",),
    relative_positions=("none", "rotary"),
)
BUDGET = 6000
JIT = False if keras.backend.backend() == "tensorflow" else "auto"  # XLA takes its time


def hypermodel(**arguments):
    arguments = {"max_parameters": BUDGET, "space": SPACE, "jit_compile": JIT, **arguments}
    return ViTHyperModel((8, 8, 1), 4, **arguments)


def images(count):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (count, 8, 8, 1)).astype("uint8")
    return x, (np.arange(count) % 4).astype("int32")


def test_what_was_built_is_written_back_and_within_the_budget():
    hp = keras_tuner.HyperParameters()
    hp.values = {"depth": 2, "hidden_dim": 32, "num_heads": 2, "mlp_dim": 32}
    model = hypermodel().build(hp)
    config = model.model.get_config()
    for name in ("depth", "hidden_dim", "num_heads", "mlp_dim", "pool", "drop_path"):
        assert hp.values[name] == config[name]
    assert hp.values["depth"] == 1
    assert model.model.count_params() <= BUDGET


def test_values_become_the_training_that_they_stand_for():
    base = Preset("s", "e", epochs=7, crop_padding=4, cutmix=0.5, mixup=0.2, auto_augment={})
    model = hypermodel(base=base, max_parameters=None)
    values = model.projection({**model.defaults(), "depth": 2, "positions": "none"})
    values |= {"augmentation": 1.5, "learning_rate": 0.01, "label_smoothing": 0.2, "flip": True}
    preset = model.preset(values)
    assert (preset.crop_padding, preset.cutmix, preset.mixup) == (6, 0.75, pytest.approx(0.3))
    assert (preset.peak_learning_rate, preset.label_smoothing, preset.flip) == (0.01, 0.2, True)
    assert (preset.epochs, preset.model["positions"], preset.auto_augment) == (7, None, {})
    without = model.preset({**values, "augmentation": 0.0, "flip": False})
    assert build.augmentation(without, (8, 8, 1)) == []
    assert (without.mixup, without.cutmix) == (0, 0)


def test_a_search_begins_with_the_cifar10_recipes_own_configuration_and_cutmix():
    base = runpy.run_path(str(RECIPES / "search.py"))["BASE"]
    recipe = runpy.run_path(str(RECIPES / "cifar10.py"))["RECIPE"].presets["compact"]
    search = ViTHyperModel((32, 32, 3), 10, base=base)
    hp = keras_tuner.HyperParameters()
    values = search.projection(search.space.declare(hp, search.defaults()))
    first = search.preset(values)
    for name in ("summary", "expect"):
        first, recipe = (Preset(**{**vars(p), name: ""}) for p in (first, recipe))
    added = {"patch_size": 4, "positions": "learned", "drop_path": 0.0}
    model = {**recipe.model, **added}
    assert vars(first) == {**vars(recipe), "model": model, "cutmix": 0.5}


def test_the_learning_rate_rises_and_falls_over_the_epochs_of_a_fit():
    search = hypermodel()
    hp = keras_tuner.HyperParameters()
    model = search.build(hp)
    x, y = images(32)
    history = search.fit(hp, model, ShuffledBatches(x, y, 8), epochs=4, verbose=0)
    peak = hp.values["learning_rate"]
    rates = [
        float(keras.ops.convert_to_numpy(model.optimizer._learning_rate(i))) for i in range(16)
    ]
    assert rates[0] < peak / 2
    assert max(rates) == pytest.approx(peak)
    assert float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)) < peak / 20
    assert history.history["parameters"] == [parameter_count(**model.model.get_config())] * 4


@pytest.mark.medium
@pytest.mark.backends
def test_keras_tuners_own_tuners_take_it_as_its_guide_shows(tmp_path):
    x, y = images(40)
    tuner = keras_tuner.RandomSearch(
        keras_vit.ViTHyperModel((8, 8, 1), 4, max_parameters=BUDGET, space=SPACE, jit_compile=JIT),
        objective="val_accuracy",
        max_trials=2,
        seed=3,
        directory=tmp_path,
        project_name="guide",
    )
    tuner.search(x[:32], y[:32], epochs=1, validation_data=(x[32:], y[32:]), verbose=0)
    best = tuner.get_best_models()[0].model
    assert isinstance(best, keras_vit.ViT)
    assert best.count_params() <= BUDGET
    for path in (tmp_path / "guide").glob("trial_*/trial.json"):
        state = json.loads(path.read_text())
        values = state["hyperparameters"]["values"]
        built = {"image_shape": (8, 8, 1), "num_classes": 4, "patch_size": values["patch_size"]}
        built |= {name: values[name] for name in ("depth", "hidden_dim", "num_heads", "mlp_dim")}
        for name in ("positions", "relative_positions"):
            built[name] = None if values[name] == "none" else values[name]
        measured = state["metrics"]["metrics"]["parameters"]["observations"][0]["value"]
        assert [parameter_count(**built, pool=values["pool"])] == measured
        assert measured[0] <= BUDGET
    if keras.backend.backend() == "tensorflow":
        tuner.search(x, y, epochs=1, validation_split=0.2, verbose=0)  # all trials done: at once


def test_what_can_not_be_searched_is_refused():
    with pytest.raises(ValueError, match="max_parameters=100"):
        hypermodel(max_parameters=100)
    with pytest.raises(ValueError, match="ResNet"):
        hypermodel(base=Preset("s", "e", epochs=1, model_class="ResNet"))


def test_importing_keras_vit_imports_no_tuner():
    """In a process of its own."""
    import subprocess
    import sys

    code = "import sys, keras_vit; assert 'keras_tuner' not in sys.modules; keras_vit.ViTHyperModel"
    subprocess.run([sys.executable, "-c", code], check=True)
