"""The comparison of augmentations."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
for name in ("turns", "augmenters", "augmentation_throughput"):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
compare = sys.modules["augmentation_throughput"].main


@pytest.mark.slow
def test_two_of_them_take_turns(tmp_path, capsys):
    names = ["ours, PyTorch", "torchvision, 1 worker"]
    out = tmp_path / "figures.json"
    compare(["--rounds", "2", "--steps", "1", "--out", str(out), "--only", *names])
    rows = json.loads(out.read_text())["augmenters"]
    assert list(rows) == names
    for row in rows.values():
        low, high = row["images_per_second"]["range"]
        assert 0 < low <= row["images_per_second"]["median"] <= high
    table = capsys.readouterr().out
    assert all(name in table for name in names)


def test_no_rounds_are_refused(capsys):
    with pytest.raises(SystemExit) as end:
        compare(["--rounds", "0"])
    assert end.value.code == 2
    assert "must be 1 or more" in capsys.readouterr().err
