"""Files that version 0.1 wrote are read by this version: models, unfinished runs, settings.

The folder `0.1` was made with that version on PyTorch: each model with random weights, saved with
its answer to `images.npy`; each run as a finished one, and as one that was stopped after the
second of its three epochs.
"""

import dataclasses
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_vit  # noqa: F401  registers the classes
from keras_vit.runs import MaskedPreset, Preset
from keras_vit.runs.folder import RunFolder
from keras_vit.runs.run import run
from keras_vit.runs.spec import RunSpec
from keras_vit.tuning.search_folder import SearchFolder

HERE = Path(__file__).parent / "0.1"
RESULTS = Path(__file__).parents[2] / "results"
MODELS = sorted(path.stem for path in (HERE / "models").glob("*.keras"))
CONFIGS = [path for path in sorted(RESULTS.rglob("config.json")) if "search" not in path.parts]


@pytest.mark.backends
@pytest.mark.parametrize("name", MODELS)
def test_a_model_loads_and_answers_as_it_did(name):
    model = keras.saving.load_model(HERE / "models" / f"{name}.keras")
    shape = getattr(model, "model", model).input_shape[1:]
    images = np.load(HERE / "models" / "images.npy")[:, : shape[0], : shape[1], : shape[2]]
    answer = model.predict(images.astype("float32"), verbose=0)
    answer = np.asarray(answer[0] if isinstance(answer, tuple | list) else answer, "float32")
    expected = np.load(HERE / "models" / f"{name}.npy")
    # The stem's model computes in bfloat16, which each backend rounds in its own order.
    atol = 0.03 if model.compute_dtype == "bfloat16" else 1e-5
    np.testing.assert_allclose(answer, expected, atol=atol)


def test_every_class_that_is_saved_is_among_them():
    saved = set()
    for name in MODELS:
        saved.add(type(keras.saving.load_model(HERE / "models" / f"{name}.keras")).__name__)
    wanted = {"ViT", "HybridViT", "AugmentedModel", "MaskedAutoencoder"}
    wanted |= {"KunViT", "FlatViT", "PositionStudyViT", "VisualAttentionViT", "HybridStudyViT"}
    assert wanted <= saved


@pytest.mark.parametrize("name", ["digits", "finetune", "pretrain"])
def test_a_run_that_was_stopped_goes_on_to_the_weights_of_the_unbroken_one(name, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(HERE / "runs" / f"{name}_stopped", folder)
    spec = RunFolder(folder).spec()
    metrics = run(spec, folder, resume=True)
    assert metrics["epochs"] == 3
    whole = json.loads((HERE / "runs" / f"{name}_finished" / "metrics.json").read_text())
    assert metrics["test_loss"] == pytest.approx(whole["test_loss"], rel=1e-3)
    ours, theirs = (
        keras.saving.load_model(path / "model.keras").get_weights()
        for path in (folder, HERE / "runs" / f"{name}_finished")
    )
    # Another CPU, or another backend, rounds in another order.
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.parent.name)
def test_the_settings_of_every_kept_run_are_read(path):
    spec = RunFolder(path.parent).spec()
    assert type(spec.preset) is (MaskedPreset if spec.recipe == "pretrain" else Preset)
    values = json.loads(path.read_text())["preset"]
    kept = json.loads(json.dumps(dataclasses.asdict(spec.preset)))
    assert {key: values[key] for key in values.keys() & kept.keys()} == {
        key: kept[key] for key in values.keys() & kept.keys()
    }
    # What is written again is read again as the same.
    written = json.loads(json.dumps(spec.to_json()))
    again = RunSpec.from_json(written, path).to_json()
    assert json.loads(json.dumps(again)) == written


def test_the_settings_of_the_kept_search_are_read():
    spec = SearchFolder(RESULTS / "search").spec()
    values = json.loads((RESULTS / "search" / "config.json").read_text())
    assert (spec.trials, spec.tuner, spec.run.data) == (
        values["trials"],
        values["tuner"],
        values["data"],
    )
