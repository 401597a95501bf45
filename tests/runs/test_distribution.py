"""Several devices and hosts train as one does."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from keras_vit import AugmentedModel, ViT
from keras_vit.runs import Preset
from keras_vit.runs.folder import RunFolder, own_folder
from keras_vit.runs.history import read_history
from keras_vit.runs.spec import RunSpec
from keras_vit.train.batches import ShuffledBatches, at_model_size
from keras_vit.train.devices import Devices
from keras_vit.train.distribution import check_can_clip, check_can_distribute, distributed

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("distributed_program.py")
HOSTS = "KERAS_DISTRIBUTION_"


def start(*words, backend="jax", devices=1, **environment):
    """The program in a process of its own, with so many CPU devices on JAX."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(HOSTS)}
    flags = f"{kept.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", PROGRAM, *map(str, words)],
        env={
            **kept,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": str(ROOT),
            "XLA_FLAGS": flags,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_hosts(count, *words, **options):
    """The same program in processes that know of one another."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    common = {f"{HOSTS}JOB_ADDRESSES": address, f"{HOSTS}NUM_PROCESSES": str(count)}
    return [
        start(*words, **common, **{f"{HOSTS}PROCESS_ID": str(process)}, **options)
        for process in range(count)
    ]


def ended(*programs):
    """Output of the first program, once all have ended well."""
    try:
        outputs = [program.communicate(timeout=400) for program in programs]
    finally:
        for program in programs:
            program.kill()
    for program, (_, errors) in zip(programs, outputs, strict=True):
        assert program.returncode == 0, errors[-3000:]
    return outputs[0][0]


def refused(*words, **options):
    """The last line on stderr of a program that ends with status 2."""
    program = start(*words, **options)
    _, errors = program.communicate(timeout=400)
    assert program.returncode == 2, errors[-3000:]
    return errors.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def on_eight(tmp_path_factory):
    file = tmp_path_factory.mktemp("eight") / "curves.json"
    ended(start("curves", file, "one", "data", "model", devices=8))
    return json.loads(file.read_text())


@pytest.mark.medium
@pytest.mark.parametrize("kind", ["data", "model"])
def test_eight_devices_give_the_loss_of_one(on_eight, kind):
    """With crop, CutMix, dropout and stochastic depth: the draws are those of one device."""
    np.testing.assert_allclose(on_eight[kind]["loss"], on_eight["one"]["loss"], rtol=1e-5)


@pytest.mark.medium
def test_each_device_has_its_share_of_the_batch(on_eight):
    assert on_eight["data"]["devices"] == {"replicas": 8, "processes": 1, "process": 0}
    assert on_eight["data"]["parts"]["batch"] == [2, 8, 8, 3]
    assert on_eight["data"]["parts"]["block_0/attention/qkv/kernel"] == [16, 48]


@pytest.mark.medium
def test_each_device_has_its_share_of_the_weights(on_eight):
    parts = on_eight["model"]["parts"]
    assert on_eight["model"]["devices"]["replicas"] == 1
    assert parts["batch"] == [16, 8, 8, 3]
    assert parts["block_0/attention/qkv/kernel"] == [16, 48 / 8]
    assert parts["block_0/attention/qkv/bias"] == [48 / 8]
    assert parts["block_0/attention/projection/kernel"] == [16 / 8, 16]
    assert parts["block_0/mlp/dense_1/kernel"] == [16, 16 / 8]
    assert parts["block_0/mlp/dense_1/bias"] == [16 / 8]
    assert parts["block_0/mlp/dense_2/kernel"] == [16 / 8, 16]
    assert parts["block_0/mlp/dense_2/bias"] == [16]
    (velocity,) = (k for k in parts if k.endswith("/block_0_mlp_dense_2_kernel_velocity"))
    assert parts[velocity] == [16 / 8, 16]


@pytest.mark.slow
def test_two_hosts_of_two_devices_give_the_loss_of_one_device(tmp_path, on_eight):
    file = tmp_path / "curves.json"
    ended(*start_hosts(2, "curves", file, "data", "model", devices=2))
    curves = json.loads(file.read_text())
    assert curves["data"]["devices"] == {"replicas": 4, "processes": 2, "process": 0}
    assert curves["model"]["devices"] == {"replicas": 2, "processes": 2, "process": 0}
    for kind in ("data", "model"):
        np.testing.assert_allclose(curves[kind]["loss"], on_eight["one"]["loss"], rtol=1e-5)
    assert curves["model"]["parts"]["batch"] == [8, 8, 8, 3]
    assert curves["model"]["parts"]["block_0/attention/qkv/kernel"] == [16, 48 / 2]


@pytest.mark.slow
def test_a_run_on_two_hosts_leaves_what_a_run_on_one_device_leaves(tmp_path):
    words = ("run", "--limit", 100, "--out")
    said = ended(*start_hosts(2, *words, tmp_path / "two", "--distribute", "data", devices=2))
    ended(start(*words, tmp_path / "one"))
    two, one = tmp_path / "two", tmp_path / "one"
    assert {f.name for f in two.iterdir()} == {f.name for f in one.iterdir()}
    for ours, theirs in zip(*(read_history(f / "history.csv") for f in (two, one)), strict=True):
        assert float(ours["loss"]) == pytest.approx(float(theirs["loss"]), rel=1e-5)
    assert "3 of 359 images sit out the validation after an epoch: 4 devices" in said
    ours, theirs = (json.loads((f / "metrics.json").read_text()) for f in (two, one))
    assert ours["test_images"] == 359
    assert ours["distributed"] == {"kind": "data", "replicas": 4, "processes": 2, "process": 0}
    assert ours["test_loss"] == pytest.approx(theirs["test_loss"], rel=1e-4)


@pytest.mark.medium
def test_a_batch_that_the_devices_do_not_divide_is_refused_before_anything_runs(tmp_path):
    folder = tmp_path / "run"
    said = refused("run", "--out", folder, "--batch-size", 12, "--distribute", "data", devices=8)
    assert said == (
        "tiny.py: error: the batch size must be a multiple of 8, the number of devices that "
        "share a batch. Received: batch_size=12"
    )
    assert not folder.exists()


@pytest.mark.slow
def test_weights_that_the_devices_do_not_divide_are_refused(tmp_path):
    folder = tmp_path / "run"
    said = refused("run", "--out", folder, "--distribute", "model", devices=3)
    assert "attention/qkv/kernel of shape (16, 48)" not in said  # 3 divides 48
    assert "attention/projection/kernel of shape (16, 16) can't be split over 3 devices" in said
    assert not folder.exists()


@pytest.mark.slow
def test_two_devices_of_tensorflow_give_the_loss_of_one(tmp_path):
    file = tmp_path / "curves.json"
    ended(start("curves", file, "one", "data", backend="tensorflow"))
    curves = json.loads(file.read_text())
    assert curves["data"]["devices"]["replicas"] == 2
    np.testing.assert_allclose(curves["data"]["loss"], curves["one"]["loss"], rtol=1e-5)


def is_refused(kind, message):
    with pytest.raises(ValueError, match=message), distributed(kind):
        pass


def test_pytorch_is_refused_by_name(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "torch")
    is_refused("data", "on JAX and TensorFlow, not on torch")


def test_tensorflow_is_refused_what_it_can_not_do(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "tensorflow")
    is_refused("model", "needs the JAX backend")
    monkeypatch.setenv("TF_CONFIG", "{}")
    is_refused("data", "MultiWorkerMirroredStrategy")
    monkeypatch.setenv(f"{HOSTS}NUM_PROCESSES", "2")
    is_refused("data", "MultiWorkerMirroredStrategy")


IMAGES = np.arange(40 * 4).reshape(40, 2, 2, 1).astype("uint8")
LABELS = np.arange(40)


def test_the_processes_parts_make_up_the_batch():
    whole = ShuffledBatches(IMAGES, LABELS, 8, seed=3)
    parts = [ShuffledBatches(IMAGES, LABELS, 8, 3, devices=Devices(4, 2, p)) for p in (0, 1)]
    assert len(parts[0]) == len(whole) == 5
    for index in range(5):
        (x, y), ((x_0, y_0), (x_1, y_1)) = whole[index], (part[index] for part in parts)
        np.testing.assert_array_equal(np.concatenate([x_0, x_1]), x)
        np.testing.assert_array_equal(np.concatenate([y_0, y_1]), y)


def test_validation_is_in_batches_that_the_devices_divide(monkeypatch):
    monkeypatch.setattr("keras_vit.train.batches.TEST_BATCH", 16)
    model = SimpleNamespace(image_shape=(2, 2, 1))
    parts = [at_model_size(model, IMAGES[:39], LABELS[:39], Devices(4, 2, p)) for p in (0, 1)]
    sizes = [[len(part[i][1]) for i in range(len(part))] for part in parts]
    assert sizes[0] == sizes[1]
    assert all(2 * size % 4 == 0 for size in sizes[0])
    labels = [part[i][1] for i in range(len(parts[0])) for part in parts]
    np.testing.assert_array_equal(np.concatenate(labels), LABELS[:36])


def test_fewer_images_than_devices_can_not_validate():
    with pytest.raises(ValueError, match="each of the 4 devices. Received: 3 images"):
        at_model_size(SimpleNamespace(image_shape=(2, 2, 1)), IMAGES[:3], LABELS[:3], Devices(4))


@pytest.mark.parametrize(
    ("settings", "probe", "message"),
    [
        ({"kind": "data"}, True, "linear probe"),
        ({"kind": "model"}, False, "devices of one host only"),
        ({"kind": "data", "time_limit": 5.0}, False, "time limit can"),
    ],
)
def test_runs_that_can_not_be_shared_are_refused(monkeypatch, settings, probe, message):
    monkeypatch.setenv(f"{HOSTS}NUM_PROCESSES", "2")
    with pytest.raises(ValueError, match=message):
        check_can_distribute(linear_probe=probe, **settings)


def test_tensorflow_clips_on_one_device_alone(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    check_can_clip(1.0, Devices(2))
    monkeypatch.setattr("keras.backend.backend", lambda: "tensorflow")
    check_can_clip(1.0, Devices())
    check_can_clip(None, Devices(2))
    with pytest.raises(ValueError, match="needs the JAX backend.*Received: clip_norm=1, 2"):
        check_can_clip(1.0, Devices(2))


@pytest.mark.on_tensorflow
def test_one_device_trains_as_it_would_without():
    with distributed("data", batch_size=7) as devices:
        trainer = AugmentedModel(ViT((4, 4, 1), 2, 2, hidden_dim=8, depth=1, num_heads=2))
        trainer.compile()
    assert devices == Devices()
    assert trainer.distribute_strategy.num_replicas_in_sync == 1
    assert trainer.jit_compile is True


def test_an_unknown_kind_is_named():
    is_refused("pipeline", "Received: kind='pipeline'")


def test_other_processes_than_the_first_leave_the_folder_alone(tmp_path, capsys):
    folder = RunFolder(tmp_path / "run")
    folder.start(RunSpec("tiny", Preset("", "", epochs=1), "p", "digits", "command"))
    with own_folder(folder, 1, resume=True) as other:
        assert other.spec() == folder.spec()
        other.clear()
        print("heard by nobody")
    with own_folder(folder, 1, resume=False) as other:
        assert not other.holds_something()
    assert folder.config.exists()
    assert not other.path.exists()
    assert capsys.readouterr().out == ""
    with own_folder(folder, 0, resume=True) as first:
        assert first is folder
