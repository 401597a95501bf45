"""The comparison with other libraries: that it compares the same model, and what it says."""

import importlib.util
import json
import math
import sys
from pathlib import Path

import pytest

from tests.peers import peer_module

FOLDER = Path(__file__).parents[2] / "benchmarks"


def load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


turns, contenders, _, throughput = map(load, ("turns", "contenders", "gemm_peak", "throughput"))


@pytest.mark.parametrize("library", ["keras_hub", "timm", "transformers", "vit_pytorch"])
def test_every_library_builds_the_same_size(library):
    sizes = contenders.MODELS["compact"]
    ours = contenders.keras_vit_model(sizes, "float32").count_params()
    if library == "keras_hub":
        pytest.importorskip(library)
        theirs = contenders.keras_hub_model(sizes, "float32").count_params()
    else:
        peer_module(library)
        model = getattr(contenders, f"{library}_model")(sizes)
        theirs = sum(p.numel() for p in model.parameters())
    if library == "vit_pytorch":  # two more norms at the patches, no biases in the attention
        assert theirs == pytest.approx(ours, rel=0.01)
    else:
        assert theirs == ours


@pytest.mark.slow
def test_two_of_them_take_turns(tmp_path, capsys):
    names = ["ours, PyTorch", "timm, bf16"]
    words = ["--model", "compact", "--batch", "2", "--steps", "1", "--rounds", "2"]
    throughput.main([*words, "--out", str(tmp_path), "--only", *names])
    figures = json.loads((tmp_path / "metrics.json").read_text())
    assert list(figures["contenders"]) == names
    for row in figures["contenders"].values():
        assert row["parameters"] == 2_103_562
        # Of ten classes, before anything was learned.
        assert row["first_loss"] == pytest.approx(math.log(10), abs=1)
        assert row["training_megabytes"] > 100
        assert row["train_images_per_second"]["median"] > 0
        speed = row["train_images_per_second"]["median"] * figures["training_gigaflops_per_image"]
        assert row["train_share_of_peak"] == pytest.approx(
            speed / 1000 / figures["peak"]["teraflops"], rel=0.02, abs=2e-3
        )
    assert (tmp_path / "throughput.png").stat().st_size > 10_000
    table = capsys.readouterr().out
    assert all(name in table for name in names)


def test_a_peer_that_is_not_installed_is_said_to_be_so(monkeypatch, capsys, tmp_path):
    missing = tmp_path / "missing"
    missing.mkdir()
    (missing / "vit_pytorch.py").write_text("raise ModuleNotFoundError('No module vit_pytorch')")
    monkeypatch.setenv("PYTHONPATH", str(missing))
    words = ["--model", "compact", "--batch", "2", "--steps", "1", "--rounds", "1"]
    with pytest.raises(SystemExit) as end:
        throughput.main([*words, "--only", "vit-pytorch"])
    assert end.value.code == 1
    assert "ModuleNotFoundError: No module vit_pytorch" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--steps", "3", "--group", "2"], ["--rounds", "0"]])
def test_turns_that_make_no_sense_are_refused(words, capsys):
    with pytest.raises(SystemExit) as end:
        throughput.main(words)
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("throughput.py: error: ")


@pytest.mark.parametrize(
    ("values", "text"),
    [((49.4, 48, 51.6), "49 (48-52)"), ((4.21, 3.8, 21.46), "4.2 (3.8-21.5)")],
)
def test_slow_ones_are_given_to_a_tenth(values, text):
    median, *limits = values
    assert turns.with_range({"median": median, "range": limits}) == text
