"""The example of keras.io, as a peer."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "keras_io_vit.py"
spec = importlib.util.spec_from_file_location("keras_io_vit", FILE)
sys.modules["keras_io_vit"] = peer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(peer)


@pytest.mark.medium
def test_it_stops_by_the_clock_and_has_the_examples_size(tmp_path, monkeypatch):
    monkeypatch.setattr(peer, "BATCH", 4)
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

    def dense(rows, columns):
        return rows * columns + columns

    normalization = 3 + 3 + 1
    block = 2 * 2 * 64 + 3 * dense(64, 256) + dense(256, 64) + dense(64, 128) + dense(128, 64)
    head = 2 * 64 + dense(144 * 64, 2048) + dense(2048, 1024) + dense(1024, 10)
    expected = normalization + dense(108, 64) + 144 * 64 + 8 * block + head
    assert figures["parameters"] == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--minutes", "0"], "0.0 minutes are no time"),
        (["--minutes", "nan"], "nan minutes are no time"),
        (["--minutes", "1", "--data", "absent.npz"], "absent.npz"),
    ],
)
def test_what_cannot_be_run_is_refused(words, said, capsys):
    with pytest.raises(SystemExit) as end:
        peer.main(words)
    assert end.value.code == 2
    assert said in capsys.readouterr().err
