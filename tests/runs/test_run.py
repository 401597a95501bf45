"""A recipe from the command line to its run folder, in miniature."""

import csv
import dataclasses
import json
import re
import shutil

import keras
import numpy as np
import pytest

from keras_vit.backend.hardware import fastest_dtype
from keras_vit.commands.train import main
from keras_vit.data import StreamedImages
from keras_vit.runs import Preset, Recipe
from keras_vit.runs.folder import RunFolder
from keras_vit.runs.history import read_history
from keras_vit.runs.images import fingerprint_of_all
from keras_vit.runs.spec import RunSpec

pytestmark = [pytest.mark.medium, pytest.mark.usefixtures("few_steps")]

TINY = {"patch_size": 2, "hidden_dim": 16, "depth": 1, "num_heads": 2, "mlp_dim": 16}
RECIPE = Recipe(
    name="tiny",
    data="digits",
    presets={
        "short": Preset(
            "one small block",
            "nothing much",
            epochs=3,
            batch_size=32,
            crop_padding=1,
            flip=True,
            auto_augment={"policy": "cifar10"},
            crop_scale=(0.5, 1.0),
            mixup=0.4,
            cutmix=1.0,
            model={**TINY, "dropout": 0.1, "drop_path": 0.1},
        ),
        "other": Preset("another", "less", epochs=1, model=TINY),
    },
    on_cpu="short",
    on_gpu="other",
)
FILES = {
    "model.keras",
    "config.json",
    "history.csv",
    "metrics.json",
    "curves.png",
    "confusion.png",
    "attention.png",
    "report.html",
}


def start(folder, *arguments):
    main(RECIPE, "A tiny run.", ["--out", str(folder), "--limit", "100", *arguments])


def visible(folder):
    """Names of the files that a user sees; the lock is hidden."""
    return {path.name for path in folder.iterdir() if path.name != ".lock"}


def without_times(folder):
    rows = read_history(folder / "history.csv")
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def refused(capsys, *arguments):
    """The one line on stderr of a run that ends with status 2."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        start(*arguments)
    assert end.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("tiny.py: error: ")
    return lines[0]


@pytest.fixture(autouse=True)
def without_report(monkeypatch):
    """The report takes seconds; that of `finished`, which is made before, is whole."""
    monkeypatch.setattr(
        "keras_vit.runs.finish_classifier.write_report", lambda path, *_, **__: path.write_text("")
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "finished"
    start(folder)
    return folder


@pytest.mark.backends
def test_a_run_leaves_its_folder_whole(finished):
    assert visible(finished) == FILES
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics["test_images"] == 359
    assert metrics["training_images"] == 100
    assert metrics["epochs"] == 3
    assert metrics["backend"] == keras.backend.backend()
    assert metrics["command"].startswith("python recipes/tiny.py --out ")
    model = keras.saving.load_model(finished / "model.keras")
    assert metrics["parameters"] == model.count_params()
    assert model.class_names == tuple("0123456789")
    assert f"{metrics['test_accuracy']:.2%}" in (finished / "report.html").read_text()


@pytest.mark.backends
def test_the_saved_model_has_the_accuracy_and_the_loss_that_are_written_down(finished):
    from keras_vit import load_data

    data = load_data("digits")
    metrics = json.loads((finished / "metrics.json").read_text())
    model = keras.saving.load_model(finished / "model.keras")
    model.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    loss, accuracy = model.evaluate(*data.test, verbose=0)
    assert accuracy == pytest.approx(metrics["test_accuracy"], abs=1e-6)
    assert loss == pytest.approx(metrics["test_loss"], rel=1e-4)


@pytest.mark.backends
def test_the_same_seed_gives_the_same_history(finished, tmp_path):
    start(tmp_path / "again")
    assert without_times(tmp_path / "again") == without_times(finished)
    start(tmp_path / "other", "--seed", "1")
    assert without_times(tmp_path / "other") != without_times(finished)


def same_weights(folder, other):
    ours, theirs = (keras.saving.load_model(f / "model.keras") for f in (folder, other))
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_a_kill_leaves_half_written_does_no_harm(finished, tmp_path, monkeypatch):
    """Killed while a checkpoint or the history is written: the epoch is simply done again."""
    from keras_vit.runs import checkpoint

    folder = tmp_path / "killed"

    class Killed(BaseException):
        pass

    def save(path, arrays, **facts):
        if "epoch-00002" in path.name:
            path.with_name(f".draft-{path.name}").write_bytes(b"half a file")
            raise Killed
        whole(path, arrays, **facts)

    whole = checkpoint.save_arrays
    monkeypatch.setattr(checkpoint, "save_arrays", save)
    with pytest.raises(Killed):
        start(folder)
    monkeypatch.undo()
    assert len(without_times(folder)) == 2
    (file,) = checkpoint.Checkpoint(folder / "checkpoint").files()
    assert file.name == "epoch-00001-step-0000000.state"
    start(folder, "--resume")
    assert without_times(folder) == without_times(finished)
    same_weights(folder, finished)
    assert visible(folder) == FILES


def test_resume_of_a_finished_run_has_nothing_to_do(finished, capsys):
    before = (finished / "metrics.json").read_text()
    start(finished, "--resume")
    assert "nothing to do" in capsys.readouterr().out
    assert (finished / "metrics.json").read_text() == before


def test_resume_starts_where_there_is_nothing_to_go_on_from(tmp_path):
    start(tmp_path / "new", "--preset", "other", "--resume")
    assert (tmp_path / "new" / "metrics.json").exists()


def test_a_folder_with_a_run_is_refused_and_left_alone(finished, capsys):
    before = (finished / "metrics.json").read_text()
    assert "--resume" in refused(capsys, finished)
    assert "exclude each other" in refused(capsys, finished, "--resume", "--overwrite")
    assert "epochs=3; --resume can't change it to 5" in refused(
        capsys, finished, "--resume", "--epochs", "5"
    )
    assert (finished / "metrics.json").read_text() == before


def test_overwrite_replaces_the_run_and_no_other_file(finished, tmp_path):
    folder = tmp_path / "run"
    start(folder, "--preset", "other")
    (folder / "notes.txt").write_text("mine")
    start(folder, "--preset", "other", "--seed", "2", "--overwrite")
    assert (folder / "notes.txt").read_text() == "mine"
    assert json.loads((folder / "metrics.json").read_text())["seed"] == 2


def test_what_a_killed_export_or_a_link_leaves_does_not_cost_the_run(finished, tmp_path):
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    shutil.copytree(finished, folder)
    (folder / ".draft-x").mkdir()
    (folder / ".draft-x" / "model.onnx").write_text("half")
    elsewhere.mkdir()
    (elsewhere / "epoch-00007-step-0000000.state").write_text("an earlier run's")
    (folder / "checkpoint").symlink_to(elsewhere)
    start(folder, "--preset", "other", "--overwrite")
    assert visible(folder) == FILES
    assert [p.name for p in elsewhere.iterdir()] == ["epoch-00007-step-0000000.state"]


def test_a_folder_is_one_process_s_at_a_time(finished, tmp_path, capsys):
    with RunFolder(finished).alone():
        for flag in ("--resume", "--overwrite"):
            assert f"another process is at work in {finished}" in refused(capsys, finished, flag)
    start(finished, "--resume")


def test_a_folder_that_another_process_made_meanwhile_is_left_alone(tmp_path):
    folder = RunFolder(tmp_path / "run")
    spec = RunSpec("tiny", RECIPE.presets["short"], "short", "digits", "command")
    with folder.alone():
        other = RunFolder(folder.path)
        with other.alone():
            other.start(spec)
            with pytest.raises(ValueError, match="another process is at work in"):
                folder.start(spec)
        other.metrics.write_text("{}")
        with pytest.raises(ValueError, match="another process made a run in .* meanwhile"):
            folder.start(spec)
    assert folder.finished()


def test_a_history_that_was_lost_is_not_gone_on_with(tmp_path, capsys, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras_vit.runs.run.Run.finish", stop)
    with pytest.raises(SystemExit):
        start(tmp_path, "--preset", "other")
    (tmp_path / "history.csv").unlink()
    assert "history.csv has 0 epochs, but" in refused(capsys, tmp_path, "--resume")


def test_a_run_goes_on_with_the_images_it_began_with(tmp_path, capsys, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    data, run = tmp_path / "data.npz", tmp_path / "run"
    images, labels = np.arange(30 * 64, dtype="uint16").reshape(30, 8, 8, 1) // 8, np.arange(30) % 3
    images = images.astype("uint8")
    np.savez(data, x_train=images, y_train=labels)
    words = ["--preset", "other", "--data", str(data)]
    with monkeypatch.context() as patch:
        patch.setattr("keras_vit.runs.run.Run.finish", stop)
        with pytest.raises(SystemExit):
            start(run, *words)
    another_order = np.r_[3, 1, 2, 0, 4:30]  # within the first class
    for change in (slice(29), another_order):
        np.savez(data, x_train=images[change], y_train=labels[change])
        message = refused(capsys, run, *words, "--resume")
        assert f"{data} are not those that the run in {run} began with" in message
    np.savez(data, x_train=images, y_train=labels, class_names=["a", "b", "c"])
    assert "are not those" in refused(capsys, run, *words, "--resume")
    np.savez(data, x_train=images, y_train=labels)
    assert "skip_bad=False" in refused(capsys, run, *words, "--resume", "--skip-bad")
    start(run, *words, "--resume", "--data-dir", str(tmp_path))
    assert json.loads((run / "config.json").read_text())["data_dir"] == str(tmp_path)
    assert (run / "metrics.json").exists()


def test_images_in_files_are_known_by_their_names_and_sizes(tmp_path):
    files = [tmp_path / f"{i}.png" for i in range(3)]
    for file in files:
        file.write_bytes(b"12")

    def known(paths):
        return fingerprint_of_all(StreamedImages(paths, (4, 4), 1))

    one = known(files)
    assert known(files) == one != known(files[::-1])
    files[1].write_bytes(b"123")
    assert known(files) != one


def test_every_pixel_counts_when_a_run_goes_on(tmp_path, capsys, monkeypatch):
    """The corner of each of the digits is 0, so a corner alone knows none of them."""

    def stop(*_):
        raise KeyboardInterrupt

    data, run = tmp_path / "data.npz", tmp_path / "run"
    images = np.arange(30 * 64, dtype="uint16").reshape(30, 8, 8, 1).astype("uint8")
    images[:, 0, 0] = 0
    labels = np.arange(30) % 3
    np.savez(data, x_train=images, y_train=labels)
    words = ["--preset", "other", "--data", str(data)]
    with monkeypatch.context() as patch:
        patch.setattr("keras_vit.runs.run.Run.finish", stop)
        with pytest.raises(SystemExit):
            start(run, *words)
    other = 255 - images
    other[:, 0, 0] = 0
    np.savez(data, x_train=other, y_train=labels)
    assert "are not those" in refused(capsys, run, *words, "--resume")


def test_a_backend_that_does_not_train_is_refused(finished, capsys, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "numpy")
    assert "the numpy backend does not train" in refused(capsys, finished, "--overwrite")
    assert (finished / "metrics.json").exists()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError("Unable to allocate 14.0 TiB"), "Unable to allocate 14.0 TiB"),
        (MemoryError(), "there is not enough memory"),
    ],
)
def test_images_that_no_memory_holds_end_in_one_line(tmp_path, capsys, monkeypatch, error, said):
    def load(*_, **__):
        raise error

    monkeypatch.setattr("keras_vit.runs.images.load_data", load)
    assert said in refused(capsys, tmp_path / "run")


def test_files_of_somebody_else_are_not_replaced_unasked(tmp_path, capsys):
    (tmp_path / "model.keras").write_bytes(b"mine")
    assert "holds a run" in refused(capsys, tmp_path)
    assert "config.json can't be read" in refused(capsys, tmp_path, "--resume")
    (tmp_path / "config.json").write_text("{}")
    assert "missing" in refused(capsys, tmp_path, "--resume")
    assert (tmp_path / "model.keras").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"recipe": "pretrain"}, "holds a run of pretrain, which tiny can't resume"),
        ({"preset": {}}, "config.json is not as this version writes it: .*missing"),
        ({"preset": 3}, "config.json is not a run's: preset=3"),
        ({"preset": {"mask_ratio": 0.5}}, "config.json is not as this version writes it"),
        ({"skip_bad": ...}, "config.json is not a run.s: skip_bad missing"),
    ],
)
def test_a_run_that_is_not_this_recipes_is_not_gone_on_with(
    finished, tmp_path, capsys, changes, named
):
    settings = {**json.loads((finished / "config.json").read_text()), **changes}
    settings = {key: value for key, value in settings.items() if value is not ...}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    assert re.search(named, refused(capsys, tmp_path, "--resume"))


@pytest.mark.parametrize("channels", [2, 4])
def test_images_that_the_augmentation_cannot_take_are_refused_at_once(tmp_path, capsys, channels):
    images = np.zeros((20, 8, 8, channels), "uint8")
    labels = np.arange(20) % 2
    np.savez(tmp_path / "mine.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    message = refused(capsys, tmp_path / "run", "--data", str(tmp_path / "mine.npz"))
    assert "channel" in message
    assert not (tmp_path / "run").exists()


def test_bad_input_does_not_cost_an_old_run(finished, capsys):
    message = refused(capsys, finished, "--overwrite", "--data", "no-such-thing")
    assert "no-such-thing" in message
    assert (finished / "metrics.json").exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--epochs", "0"], "'0'"),
        (["--batch-size", "many"], "'many'"),
        (["--seed", "-1"], "'-1'"),
        (["--preset", "best"], "'best'"),
        (["--dtype", "float7"], "float7"),
        (["--epochs", "9" * 400], "must be a whole number"),
        (["--data", "~nosuchuser/x"], "~nosuchuser/x"),
        (["--data", "missing.npz"], "missing.npz"),
        (["--image-size", "9"], "does not divide an image of 9x9"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_wrong_words_end_in_one_line_and_status_2(tmp_path, capsys, arguments, named):
    assert named in refused(capsys, tmp_path / "run", *arguments)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_good_weights(
    tmp_path, capsys, monkeypatch
):
    from keras_vit.runs import build

    def explosive(*_, **__):
        return keras.optimizers.SGD(1e20)

    monkeypatch.setattr(build, "optimizer", explosive)
    message = refused(capsys, tmp_path / "run")
    assert "not finite in epoch 1" in message
    assert "after epoch 0" in message
    assert not (tmp_path / "run" / "checkpoint").exists()
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert not (tmp_path / "run" / "metrics.json").exists()


def test_the_run_says_what_it_picked_and_how_to_pick_otherwise(tmp_path, capsys):
    start(tmp_path / "run", "--epochs", "1")
    out = capsys.readouterr().out
    assert "preset short (one small block) for this cpu" in out
    assert "without your changes, expect nothing much" in out
    assert "--preset other" in out
    assert "see " in out


def test_the_dtype_for_this_device_is_decided_once_and_a_flag_decides_otherwise(tmp_path, capsys):
    preset = dataclasses.replace(RECIPE.presets["other"], dtype="auto")
    recipe = dataclasses.replace(RECIPE, presets={"other": preset}, on_cpu="other", on_gpu="other")
    for words, dtype in (([], fastest_dtype()), (["--dtype", "mixed_bfloat16"], "mixed_bfloat16")):
        main(recipe, "", ["--out", str(tmp_path), "--limit", "40", "--overwrite", *words])
        assert f"{keras.backend.backend()} backend, {dtype}\n" in capsys.readouterr().out
        settings = json.loads((tmp_path / "config.json").read_text())
        assert settings["preset"]["dtype"] == dtype
        model = keras.saving.load_model(tmp_path / "model.keras")
        assert model.dtype_policy.name == dtype


def test_an_average_of_the_weights_is_what_is_saved(tmp_path):
    """With momentum 0 the average is the last step's weights; near 1 it is the first step's."""

    def weights(momentum):
        preset = dataclasses.replace(
            RECIPE.presets["other"], ema_momentum=momentum, epochs=4, batch_size=32
        )
        recipe = dataclasses.replace(RECIPE, presets={"other": preset}, on_cpu="other")
        folder = tmp_path / str(momentum)
        main(recipe, "", ["--out", str(folder), "--limit", "200", "--seed", "0"])
        return keras.saving.load_model(folder / "model.keras").get_layer("head").get_weights()[0]

    plain, last, first = (weights(m) for m in (None, 1e-9, 0.999999))
    np.testing.assert_allclose(last, plain, atol=1e-6)
    assert np.abs(first).max() < 0.2 * np.abs(plain).max()


def test_a_folder_of_images_trains_and_counts_what_it_leaves_out(tmp_path, capsys):
    from PIL import Image

    rng = np.random.default_rng(0)
    for name, value in (("dark", 40), ("light", 210)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for i in range(10):
            pixels = rng.integers(value - 30, value + 30, (12, 10, 3)).astype("uint8")
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{i}.png")
    (tmp_path / "images" / "dark" / "broken.png").write_bytes(b"no picture")
    (tmp_path / "images" / "dark" / "other.heic").write_bytes(b"of another kind")
    arguments = ["--data", str(tmp_path / "images"), "--image-size", "8", "--preset", "other"]
    assert "broken.png" in refused(capsys, tmp_path / "run", *arguments)
    start(tmp_path / "run", *arguments, "--skip-bad")
    said = capsys.readouterr().out
    assert "left out 1 unreadable image" in said
    assert "passed over files of kinds that it does not read: 1 .heic" in said
    with open(tmp_path / "run" / "history.csv", newline="") as file:
        assert len(list(csv.reader(file))) == 2
