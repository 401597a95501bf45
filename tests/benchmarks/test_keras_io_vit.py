"""The example of keras.io, as a peer."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_vit.data import ImageData

FILE = Path(__file__).parents[2] / "benchmarks" / "keras_io_vit.py"
spec = importlib.util.spec_from_file_location("keras_io_vit", FILE)
sys.modules["keras_io_vit"] = peer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(peer)


def parameters(depth, wide, narrow):
    """The example's formula, for so many blocks and such a head."""

    def dense(rows, columns):
        return rows * columns + columns

    normalization = 3 + 3 + 1
    block = 2 * 2 * 64 + 3 * dense(64, 256) + dense(256, 64) + dense(64, 128) + dense(128, 64)
    head = 2 * 64 + dense(144 * 64, wide) + dense(wide, narrow) + dense(narrow, 10)
    return normalization + dense(108, 64) + 144 * 64 + depth * block + head


def test_it_has_the_examples_size():
    images = np.zeros((10, 32, 32, 3), "uint8")
    labels = np.arange(10)
    names = tuple("abcdefghij")
    model = peer.build(ImageData(images, labels, images[:4], labels[:4], names))
    assert model.count_params() == parameters(8, 2048, 1024)


@pytest.mark.medium
def test_it_stops_by_the_clock(tmp_path, monkeypatch):
    monkeypatch.setattr(peer, "BATCH", 4)
    # XLA compiles the whole example for half a minute; how it ends is seen with less of it.
    monkeypatch.setattr(peer, "DEPTH", 1)
    monkeypatch.setattr(peer, "HEAD_MLP", (16, 8))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (10, 32, 32, 3)).astype("uint8")
    labels = np.arange(10)
    data = tmp_path / "tiny.npz"
    np.savez(data, x_train=images, y_train=labels, x_test=images[:4], y_test=labels[:4])
    out = tmp_path / "figures.json"
    peer.main(["--minutes", "1e-6", "--data", str(data), "--out", str(out)])
    figures = json.loads(out.read_text())
    assert figures["steps"] == 1, "the time was over after the first of its three steps"
    assert figures["epochs"] == 0.33
    assert figures["data"] == "tiny"
    assert figures["parameters"] == parameters(1, 16, 8)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--minutes", "0"], "--minutes must be greater than 0. Received: 0.0"),
        (["--minutes", "nan"], "--minutes must be greater than 0. Received: nan"),
        (["--minutes", "1", "--data", "absent.npz"], "absent.npz"),
    ],
)
def test_what_cannot_be_run_is_refused(words, said, capsys):
    with pytest.raises(SystemExit) as end:
        peer.main(words)
    assert end.value.code == 2
    assert said in capsys.readouterr().err
