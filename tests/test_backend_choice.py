"""Which backend a command takes: what the user says, else the fastest one that is installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import keras_vit_backend

ROOT = Path(__file__).parents[1]


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Give a function that sets up a machine without Keras imported, and chooses there."""

    def choose(installed, gpu=False, variable=None, config=None):
        monkeypatch.delitem(sys.modules, "keras", raising=False)
        monkeypatch.setattr(keras_vit_backend, "installed_backends", lambda: list(installed))
        monkeypatch.setattr(keras_vit_backend, "has_gpu", lambda: gpu)
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        monkeypatch.setenv("KERAS_BACKEND", "any")  # so that it is put back afterwards
        monkeypatch.delenv("KERAS_BACKEND")
        if variable:
            monkeypatch.setenv("KERAS_BACKEND", variable)
        if config is not None:
            (tmp_path / "keras.json").write_text(json.dumps(config))
        return keras_vit_backend.choose()

    return choose


@pytest.mark.parametrize(
    ("installed", "gpu", "chosen"),
    [
        (("tensorflow", "jax", "torch"), False, "torch"),
        (("tensorflow", "jax", "torch"), True, "jax"),
        (("tensorflow", "jax"), False, "tensorflow"),
        (("tensorflow", "torch"), True, "torch"),
        (("jax",), False, "jax"),
    ],
)
def test_the_fastest_one_that_is_installed(machine, installed, gpu, chosen, capsys):
    assert machine(installed, gpu) == chosen
    assert os.environ["KERAS_BACKEND"] == chosen
    said = capsys.readouterr().err.splitlines()
    assert len(said) == (len(installed) > 1)
    assert all(f"the {chosen} backend is the fastest" in line for line in said)


def test_what_the_user_says_stays(machine):
    everything = ("tensorflow", "jax", "torch")
    assert machine(everything, variable="jax") is None
    assert machine(everything, config={"backend": "tensorflow", "floatx": "float16"}) is None


def test_the_file_that_keras_writes_by_itself_is_nobodys_choice(machine):
    assert machine(("jax",), config=keras_vit_backend.AS_KERAS_WRITES_IT) == "jax"


def test_keras_writes_the_file_as_it_is_known(tmp_path, monkeypatch):
    code = "import keras"
    environment = {**os.environ, "KERAS_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
    written = json.loads((tmp_path / "keras.json").read_text())
    assert written == keras_vit_backend.AS_KERAS_WRITES_IT


def test_a_backend_that_is_not_installed_ends_in_one_line(machine, capsys):
    for setting in ({"variable": "jax"}, {"config": {"backend": "jax"}}):
        with pytest.raises(SystemExit) as end:
            machine(("torch",), **setting)
        assert end.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "asks for the jax backend, which is not installed: set KERAS_BACKEND=torch" in line
    with pytest.raises(SystemExit):
        machine((), config={})
    assert "pip install torch" in capsys.readouterr().err


def test_a_backend_that_there_is_not_ends_in_one_line(machine, capsys):
    with pytest.raises(SystemExit) as end:
        machine(("torch",), variable="tourch")
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "there is no backend 'tourch'" in line


@pytest.mark.parametrize("value", ["", "-1"])
def test_hidden_gpus_are_none(monkeypatch, value):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert not keras_vit_backend.has_gpu()


def test_nothing_is_chosen_once_keras_is_imported():
    assert "keras" in sys.modules
    assert keras_vit_backend.choose() is None


def backend_after(code, tmp_path):
    """The backend that Keras has in a new process without KERAS_BACKEND."""
    environment = {**os.environ, "KERAS_HOME": str(tmp_path)}
    environment.pop("KERAS_BACKEND", None)
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; import keras; print(keras.backend.backend())"],
        env=environment,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return done.stdout.split()[-1]


@pytest.mark.medium
def test_importing_the_package_chooses_nothing_and_a_command_does(tmp_path):
    assert backend_after("import keras_vit", tmp_path) == "tensorflow"
    assert backend_after("import keras_vit_start", tmp_path) == "torch"


def test_only_recipes_import_the_module_that_chooses():
    importing = {
        path.relative_to(ROOT).as_posix()
        for folder in ("keras_vit", "recipes", "benchmarks", "tools")
        for path in (ROOT / folder).rglob("*.py")
        if "import keras_vit_start" in path.read_text()
    }
    assert importing
    assert all(name.startswith("recipes/") for name in importing), importing
