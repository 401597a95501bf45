"""Measure the time and memory to load ViT-B/16 from each kind of checkpoint.

    python benchmarks/checkpoint_loading.py

The script writes each file with random weights, and loads each file three times, in a process of
its own. The memory is the growth of the resident set, at its peak, in multiples of the file's size.
The process builds a tiny model first, because the first model loads the backend's libraries.
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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out",
        type=Path,
        default="results/checkpoint_loading.json",
        help="the JSON file to write (default: %(default)s)",
    )
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
    """Write ViT-B/16 with random weights in each format, and return the paths by format."""
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
    """Return the medians of several processes that load a file."""
    command = [sys.executable, __file__, "--load", str(path)]
    runs = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(REPEATS)
    ]
    medians = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    return {**medians, "file_megabytes": round(path.stat().st_size / 1e6, 1), "repeats": REPEATS}


def measured(path):
    ViT(depth=1, hidden_dim=12, mlp_dim=12)
    Path("/proc/self/clear_refs").write_text("5")  # This resets the peak.
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
    """Return the bytes of a field of Linux's /proc/self/status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status must hold the field {field}; only Linux has it")


if __name__ == "__main__":
    main()
