"""Whatever a command can't use: one line that names it, and status 2."""

import importlib.util
import socket
import subprocess
import sys

import keras
import pytest

from keras_vit import ViT


def needs(command, out):
    """What a command asks for beside the model."""
    return {
        "predict": [out / "picture.png"],
        "inspect": ["--data", "digits", "--out", out / "report"],
        "export": ["--format", "onnx", "--out", out / "model.onnx"],
        "summary": [],
        "serve": [],
    }[command]


@pytest.mark.parametrize("command", ["predict", "inspect", "export", "summary", "serve"])
def test_models_that_cannot_be_loaded(command, tmp_path, refused):
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged.keras").write_bytes(b"PK\x03\x04 not really")
    (tmp_path / "weights.h5").write_bytes(b"x")
    rest = needs(command, tmp_path)
    assert "there is no such file" in refused(command, tmp_path / "none.keras", *rest)
    assert "~nosuchuser" in refused(command, "~nosuchuser/model.keras", *rest)
    assert "the folder must hold model.keras" in refused(command, tmp_path / "empty", *rest)
    assert "damaged.keras: Keras can't read this file" in refused(
        command, tmp_path / "damaged.keras", *rest
    )
    assert "a .keras file, a run's folder" in refused(command, tmp_path / "weights.h5", *rest)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["damaged.keras", "empty", "weights.h5"]


def test_a_truncated_model_is_refused(vit_folder, tmp_path, refused):
    whole = (vit_folder / "model.keras").read_bytes()
    (tmp_path / "half.keras").write_bytes(whole[: len(whole) // 2])
    assert "half.keras: Keras can't read this file" in refused("summary", tmp_path / "half.keras")


def test_a_model_with_code_of_its_own_is_not_run(tmp_path, refused):
    def own(x):
        raise AssertionError("run")

    layer = keras.layers.Lambda(own, output_shape=(8, 8, 3))
    keras.Sequential([keras.Input((8, 8, 3)), layer]).save(tmp_path / "unsafe.keras")
    assert "unsafe.keras: Keras can't read this file" in refused(
        "summary", tmp_path / "unsafe.keras"
    )


def test_models_that_are_no_classifiers_of_images(tmp_path, refused):
    features = ViT((8, 8, 3), 4, 0, hidden_dim=8, depth=1, num_heads=1, mlp_dim=8)
    features.save(tmp_path / "features.keras")
    vectors = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    vectors.save(tmp_path / "vectors.keras")
    rest = needs("predict", tmp_path)
    assert "has no head" in refused("predict", tmp_path / "features.keras", *rest)
    assert "must take images" in refused("predict", tmp_path / "vectors.keras", *rest)


@pytest.mark.parametrize("kind", ["missing", "folder", "damaged", "text"])
def test_pictures_that_cannot_be_read(kind, vit_folder, picture, tmp_path, refused):
    path = tmp_path / f"{kind}.png"
    if kind == "folder":
        path.mkdir()
    elif kind == "damaged":
        path.write_bytes(picture.read_bytes()[:200])
    elif kind == "text":
        path.write_text("no picture")
    # A folder is read as a folder of images, and this one is empty.
    message = " holds no images" if kind == "folder" else ": can't read this image"
    assert f"{kind}.png{message}" in refused("predict", vit_folder, path)


def test_attention_of_a_model_without_it(cnn_file, picture, tmp_path, refused):
    arguments = ("predict", cnn_file, picture, "--attention", tmp_path / "attention.png")
    assert "no attention blocks" in refused(*arguments)
    assert not (tmp_path / "attention.png").exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--format", "hdf5", "--out", "x.h5"], "'hdf5'"),
        (["--format", "onnx", "--out", "model.bin"], "must end with .onnx"),
        (["--format", "litert", "--out", "model.onnx"], "must end with .tflite"),
        (["--format", "onnx", "--out", "none/model.onnx"], "no such folder to write to"),
        (["--format", "onnx", "--out", "taken.onnx"], "taken.onnx is there already"),
        (["--format", "onnx"], "--out"),
    ],
)
def test_exports_that_cannot_be(arguments, named, vit_folder, tmp_path, refused, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.onnx").write_bytes(b"mine")
    assert named in refused("export", vit_folder, *arguments)
    assert [p.name for p in tmp_path.iterdir()] == ["taken.onnx"]
    assert (tmp_path / "taken.onnx").read_bytes() == b"mine"


def test_an_export_that_its_backend_cannot_do_names_those_that_can(
    vit_folder, tmp_path, refused, monkeypatch
):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    out = tmp_path / "saved"
    line = refused("export", vit_folder, "--format", "tf_saved_model", "--out", out)
    assert "does not work on the torch backend" in line
    assert "KERAS_BACKEND=tensorflow or KERAS_BACKEND=jax" in line
    assert not out.exists()


def test_packages_that_are_not_there_are_named(vit_folder, tmp_path, refused, monkeypatch):
    find = importlib.util.find_spec
    gone = {"gradio", "tf2onnx", "jax2onnx", "onnxscript"}
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *_: None if name in gone else find(name)
    )
    assert "its extra app" in refused("serve", vit_folder)
    line = refused("export", vit_folder, "--format", "onnx", "--out", tmp_path / "m.onnx")
    assert "pip install" in line


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1"])
def test_ports_that_are_none(text, vit_folder, refused):
    assert repr(text) in refused("serve", vit_folder, f"--port={text}")


def test_a_port_that_is_taken(vit_folder, refused):
    pytest.importorskip("gradio")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"can't listen on port {port}" in refused("serve", vit_folder, "--port", port)
    assert "can't listen" in refused("serve", vit_folder, "--host", "no.such.host.invalid")


def test_an_address_that_the_page_cannot_have(vit_folder, refused):
    assert "--host ::1: give a name or an IPv4" in refused("serve", vit_folder, "--host", "::1")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--data", "no-such-thing"], "no-such-thing"),
        (["--data", "digits", "--limit", "0"], "'0'"),
        (["--data", "digits", "--out", "none/report"], "no such folder to write to"),
        (["--data", "digits", "--out", "file"], "file is a file"),
        (["--data", "digits", "--out", "done"], "report.html is there already"),
        (["--data", "digits", "--out", "run"], "confusion.png is there already"),
        (
            ["--data", "digits"],
            "not the model's: 10 (0, 1, 2, 3, 4 …). The model's classes: 6 (ant,",
        ),
        ([], "--data"),
    ],
)
def test_data_and_folders_that_inspect_cannot_use(
    arguments, named, vit_folder, tmp_path, refused, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "report.html").write_text("mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "confusion.png").write_text("mine")
    assert named in refused("inspect", vit_folder, *arguments)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["done", "file", "run"]
    assert (tmp_path / "run" / "confusion.png").read_text() == "mine"
    assert (tmp_path / "done" / "report.html").read_text() == "mine"


@pytest.mark.parametrize("arguments", [[], ["paint", "x"], ["predict"]])
def test_words_that_are_no_command(arguments, refused):
    refused(*arguments)


@pytest.mark.medium
def test_in_a_process_of_its_own(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "keras_vit", "summary", str(tmp_path / "none.keras")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    line = done.stderr.strip().splitlines()[-1]  # TensorFlow's own come before
    assert line.startswith("keras-vit summary: error: ")
    assert "none.keras" in line
    assert done.stdout == ""
