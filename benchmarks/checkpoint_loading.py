"""Seconds and memory of loading ViT-B/16, from each kind of file.

    python benchmarks/checkpoint_loading.py

Each file is made here, of random weights, and loaded by a process of its own, three times. Memory
is the peak of the resident set over what it was before the call, in multiples of the file's size;
a tiny model was built before, since a backend's own libraries are loaded with the first one.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras

from keras_vit import ViT, load_checkpoint, to_huggingface, to_timm
from keras_vit.files import write_json

REPEATS = 3


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default="results/checkpoint_loading.json")
    parser.add_argument("--load", type=Path, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.load:
        print(json.dumps(measured(flags.load)))
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = {name: repeated(path) for name, path in files(Path(folder)).items()}
    write_json(
        flags.out,
        {
            "model": "ViT-B/16, 86,567,656 parameters",
            "backend": keras.backend.backend(),
            "cores": os.cpu_count(),
            "formats": rows,
            "command": "python benchmarks/checkpoint_loading.py",
        },
    )
    for name, row in rows.items():
        print(f"{name}: {row['seconds']:.2f} s, {row['memory_in_files']:.2f} x the file's size")


def files(folder):
    """B/16 in each format, random weights."""
    import numpy as np

    from tests.weights.google_files import vit_weights

    model = ViT.from_variant("B/16", layer_norm_epsilon=1e-6)
    sizes = {"depth": 12, "dim": 768, "heads": 12, "mlp": 3072, "patch": (16, 16), "grid": (14, 14)}
    np.savez(folder / "google.npz", **vit_weights(**sizes, classes=1000))
    return {
        "timm": to_timm(model, folder / "timm") / "model.safetensors",
        "huggingface": to_huggingface(model, folder / "huggingface") / "model.safetensors",
        "google": folder / "google.npz",
    }


def repeated(path):
    """Medians over processes of their own."""
    command = [sys.executable, __file__, "--load", str(path)]
    runs = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(REPEATS)
    ]
    medians = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    return {**medians, "file_megabytes": round(path.stat().st_size / 1e6, 1), "repeats": REPEATS}


def measured(path):
    ViT(depth=1, hidden_dim=12, mlp_dim=12)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = resident("VmRSS")
    started = time.perf_counter()
    model = load_checkpoint(path)
    seconds = time.perf_counter() - started
    assert model.count_params() == 86_567_656
    return {
        "seconds": round(seconds, 2),
        "memory_in_files": round((resident("VmHWM") - before) / path.stat().st_size, 2),
    }


def resident(field):
    """Bytes of a field of Linux's /proc/self/status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise OSError(f"no {field} in /proc/self/status")


if __name__ == "__main__":
    main()
