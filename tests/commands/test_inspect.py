import argparse
import json
import re
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from keras_vit import load_data
from keras_vit.commands import main, tested_images
from keras_vit.inspection.classifier import Classifier
from keras_vit.runs import Preset
from keras_vit.runs.spec import RunSpec
from keras_vit.weights.model_file import load_model

RNG = np.random.default_rng(0)
NAMES = ("ant", "bee", "cat", "dog", "elk", "fox")


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch):
    """Those that take no time; `tests/report/test_report.py` draws them all."""
    from keras_vit.report import pictures

    few = [p for p in pictures.PICTURES if p[0] in ("curves.png", "confusion.png", "distance.png")]
    monkeypatch.setattr(pictures, "PICTURES", few)


def written(path, count=24, size=8, channels=3, **more):
    images = RNG.integers(0, 256, (count, size, size, channels)).astype("uint8")
    labels = np.arange(count) % 6
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels, **more)
    return path


def write_config(run, **fields):
    """Write the specification of a run into its folder."""
    spec = RunSpec("x", Preset("", "", epochs=7), "x", "x", "command", **fields)
    (run / "config.json").write_text(json.dumps(spec.to_json()))


def rows(report):
    """What the table says, by its first column."""
    return dict(re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', report.read_text()))


def test_a_report_and_its_pictures(vit_folder, tmp_path, capsys):
    data, out = written(tmp_path / "data.npz"), tmp_path / "report"
    arguments = ["inspect", str(vit_folder), "--data", str(data), "--out", str(out)]
    main(arguments)
    assert {p.name for p in out.iterdir()} == {"confusion.png", "distance.png", "report.html"}
    printed = capsys.readouterr().out
    assert "left out: Training: there is no history" in printed
    assert printed.strip().endswith(f"see {out / 'report.html'}")
    assert rows(out / "report.html")["Test images"] == "24"
    assert "<title>insects</title>" in (out / "report.html").read_text()

    (out / "notes.txt").write_text("mine")
    main([*arguments, "--limit", "10", "--overwrite"])
    assert rows(out / "report.html")["Test images"] == "10"
    assert (out / "notes.txt").read_text() == "mine"


def test_a_runs_folder_tells_its_history_and_its_metrics(vit_folder, tmp_path):
    run, out = tmp_path / "run", tmp_path / "report"
    shutil.copytree(vit_folder, run)
    (run / "history.csv").write_text("epoch,loss,accuracy,learning_rate\n1,2.0,0.1,0.001\n")
    (run / "metrics.json").write_text(json.dumps({"epochs": 7, "command": "python mine.py"}))
    write_config(run)
    data = written(tmp_path / "data.npz")
    main(["inspect", str(run), "--data", str(data), "--out", str(out)])
    assert (out / "curves.png").exists()
    assert rows(out / "report.html")["Epochs"] == "7"
    assert rows(out / "report.html")["Command"] == "python mine.py"


def test_the_test_part_is_that_of_the_runs_own_split(vit_folder, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(vit_folder, run)
    (run / "metrics.json").write_text(json.dumps({"epochs": 1}))
    write_config(run, seed=3)
    images = RNG.integers(0, 256, (60, 8, 8, 3)).astype("uint8")
    np.savez(tmp_path / "data.npz", x_train=images, y_train=np.arange(60) % 6)
    model = keras.saving.load_model(run / "model.keras")

    def accuracy(seed):
        x, y = load_data(tmp_path / "data.npz", seed=seed).test
        return f"{np.mean(model.predict(x, verbose=0).argmax(1) == y):.2%}"

    def told(*words):
        out = tmp_path / "report"
        words = ["--data", str(tmp_path / "data.npz"), "--out", str(out), "--overwrite", *words]
        main(["inspect", str(run), *words])
        return (out / "report.html").read_text()

    assert accuracy(3) != accuracy(0)
    assert accuracy(3) in told()
    assert accuracy(0) in told("--seed", "0")


def test_a_probes_folder_has_no_history(vit_folder, tmp_path, capsys):
    run, out = tmp_path / "run", tmp_path / "report"
    shutil.copytree(vit_folder, run)
    (run / "metrics.json").write_text(json.dumps({"epochs": 1}))
    write_config(run)
    main(["inspect", str(run), "--data", str(written(tmp_path / "data.npz")), "--out", str(out)])
    assert rows(out / "report.html")["Epochs"] == "1"
    assert "left out: Training: there is no history" in capsys.readouterr().out


def test_a_model_without_attention_on_pictures_of_other_sizes(cnn_file, tmp_path, capsys):
    for digit in range(10):
        folder = tmp_path / "photos" / str(digit)
        folder.mkdir(parents=True)
        for k in range(2):
            pixels = RNG.integers(0, 256, (9 + k, 12, 3)).astype("uint8")
            Image.fromarray(pixels).save(folder / f"{k}.png")
    out = tmp_path / "report"
    main(["inspect", str(cnn_file), "--data", str(tmp_path / "photos"), "--out", str(out)])
    assert {p.name for p in out.iterdir()} == {"confusion.png", "report.html"}
    assert "Attention distance: the model has no attention blocks over" in capsys.readouterr().out


def test_numbers_are_no_classes_of_a_model_with_more(vit_folder, tmp_path, refused):
    images = RNG.integers(0, 256, (8, 8, 8, 3)).astype("uint8")
    labels = np.arange(8) % 4
    arrays = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    np.savez(tmp_path / "four.npz", **arrays)
    words = ["--data", tmp_path / "four.npz", "--out", tmp_path / "report"]
    assert "not the model's: 4 (0, 1, 2, 3)" in refused("inspect", vit_folder, *words)
    assert not (tmp_path / "report").exists()


def test_a_damaged_run_is_named(vit_folder, tmp_path, refused):
    run = tmp_path / "run"
    shutil.copytree(vit_folder, run)
    (run / "metrics.json").write_text("{")
    write_config(run)
    (run / "history.csv").write_text("epoch,loss\n1,2\n")
    path = tmp_path / "six.npz"
    images = RNG.integers(0, 256, (12, 8, 8, 3)).astype("uint8")
    arrays = {"x_train": images, "y_train": np.arange(12) % 6}
    np.savez(path, **arrays, x_test=images, y_test=np.arange(12) % 6)
    words = ["--data", path, "--out", tmp_path / "report"]
    assert "metrics.json can't be read" in refused("inspect", run, *words)
    (run / "metrics.json").write_text('{"seconds": null, "training_images": 3, "device": "x"}')
    main(["inspect", str(run), *map(str, words)])
    assert "Training" not in rows(tmp_path / "report" / "report.html")


def test_classes_are_matched_by_name(vit_folder, tmp_path, monkeypatch):
    """A part of the classes in another order: the accuracy is that of the names."""
    import keras

    model = keras.saving.load_model(vit_folder / "model.keras")
    images = RNG.integers(0, 256, (40, 8, 8, 3)).astype("uint8")
    predicted = model.predict(images, verbose=0).argmax(axis=1)
    (some,) = np.unique(predicted)[:1]
    chosen = images[predicted == some]
    names = [NAMES[k] for k in (5, 0, 3, some)]
    names = list(dict.fromkeys(reversed(names)))
    labels = np.full(len(chosen), names.index(NAMES[some]))
    path = tmp_path / "data.npz"
    arrays = {"x_train": chosen, "y_train": labels, "x_test": chosen, "y_test": labels}
    np.savez(path, **arrays, class_names=names)
    main(["inspect", str(vit_folder), "--data", str(path), "--out", str(tmp_path / "report")])
    assert rows(tmp_path / "report" / "report.html")["Accuracy"] == "100.00%"


@pytest.mark.medium
def test_a_fine_tuned_runs_images_are_those_of_its_own_test(vit_folder, tmp_path, capsys):
    """A run keeps photographs a seventh larger and shrinks them to test; so does `inspect`."""
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(10):
            pixels = rng.integers(0, 256, (31, 26, 3)).astype("uint8")
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i}.png")
    photos, run, out = (str(tmp_path / name) for name in ("photos", "run", "report"))
    main(["finetune", str(vit_folder), "--linear-probe", "--data", photos, "--out", run])
    own = json.loads((tmp_path / "run" / "metrics.json").read_text())
    flags = argparse.Namespace(model=run, data=photos, data_dir=None, seed=None, skip_bad=False)
    classifier = Classifier(load_model(run))
    x, y = tested_images.test_data(flags, classifier).test
    assert x.shape[1:] == (10, 10, 3)  # a seventh larger than 8
    shares = classifier.probabilities(x)[np.arange(len(y)), y]
    assert -np.log(shares).mean() == pytest.approx(own["test_loss"], rel=1e-5)
    capsys.readouterr()
    main(["inspect", run, "--data", photos, "--out", out])
    assert "4 test images" in capsys.readouterr().out
